//! What a push target is, and the HTTP that all targets share.

use std::time::Duration;

use event::{Labels, Matcher, SampleBatch};
use futures::future::BoxFuture;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderName},
};

use super::{Auth, Error};

/// What became of a request.
pub enum Outcome {
    /// The target has it.
    Taken,
    /// The target will never take it: why.
    Refused(String),
    /// Worth another try: why.
    Failed(String),
}

/// A system that samples are handed on to.
pub trait Target: Send {
    /// Its address.
    fn name(&self) -> &str;
    /// Takes note of samples.
    fn take(&mut self, batch: &SampleBatch);
    /// How long until [`Target::deliver`] is due; nothing to deliver: `None`.
    fn due_in(&self, since_last: Duration) -> Option<Duration>;
    /// Delivers what was taken note of; may be called again after a failure.
    fn deliver(&mut self) -> BoxFuture<'_, Outcome>;
}

/// Which series a target wants.
pub struct Filter(Vec<Vec<Matcher>>);

impl Filter {
    pub fn new(selectors: &[String]) -> Result<Self, Error> {
        let parse = |selector: &String| {
            matchers(selector).map_err(|reason| Error::Selector { selector: selector.clone(), reason })
        };
        Ok(Filter(selectors.iter().map(parse).collect::<Result<_, Error>>()?))
    }

    pub fn accepts(&self, labels: &Labels) -> bool {
        self.0.is_empty() || self.0.iter().any(|all| all.iter().all(|m| m.matches_labels(labels)))
    }
}

/// What a selector asks of a series.
///
/// # Errors
/// What is wrong with it.
pub fn matchers(selector: &str) -> Result<Vec<Matcher>, String> {
    let query = promql::parse(selector).map_err(|e| e.to_string())?;
    let first = query.selectors().into_iter().next();
    Ok(first.ok_or("is no selector like {job=\"node\"}")?.matchers.to_vec())
}

/// The headers that each request to a target has.
///
/// # Errors
/// Which one cannot be sent.
pub fn headers(auth: &Auth) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &auth.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("header name {name:?}"))?;
        let value = value.expose().parse().map_err(|_| format!("value of header {name}"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A client with the credentials of a target.
pub struct Http {
    client: Client,
    auth: Auth,
}

impl Http {
    pub fn new(url: &str, auth: &Auth, timeout: Duration) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Target { url: url.to_owned(), reason };
        // The process may have chosen one already: that one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Url::parse(url).map_err(|e| wrong(e.to_string()))?;
        let builder = Client::builder()
            .default_headers(headers(auth).map_err(wrong)?)
            .timeout(timeout)
            .user_agent("tailrace");
        let client = builder.build().map_err(|e| wrong(e.to_string()))?;
        Ok(Http { client, auth: auth.clone() })
    }

    pub fn request(&self, method: reqwest::Method, url: &str) -> RequestBuilder {
        let request = self.client.request(method, url);
        match (&self.auth.username, &self.auth.bearer_token) {
            (Some(user), _) => request.basic_auth(user, self.auth.password.as_ref().map(|p| p.expose())),
            (None, Some(token)) => request.bearer_auth(token.expose()),
            (None, None) => request,
        }
    }
}

/// Sends, and says what the answer means: 5xx, 408, 425 and 429 are worth another try, other errors are not.
pub async fn send(request: RequestBuilder) -> Outcome {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Outcome::Failed(chain(&error)),
    };
    match response.status() {
        status if status.is_success() => Outcome::Taken,
        status if is_passing(status) => Outcome::Failed(describe(response).await),
        _ => Outcome::Refused(describe(response).await),
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 404 | 408 | 425 | 429)
}

async fn describe(response: Response) -> String {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    format!("{status}: {}", body.trim().chars().take(200).collect::<String>())
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
