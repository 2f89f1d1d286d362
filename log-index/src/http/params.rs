//! Parameters of a request: those of the URL and, for a posted form, those of the body.

use std::{str::FromStr, time::Duration};

use axum::{
    Form,
    extract::{FromRequest, Query, Request},
    http::{Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{error::Failure, time::duration_ns};

/// Names and values, each name any number of times; the body's come before the URL's.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of `name`; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// All values of `name`.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The query, no longer than `max_bytes`.
    pub fn query(&self, max_bytes: usize) -> Result<&str, Failure> {
        let query = self.get("query").unwrap_or("");
        if query.len() > max_bytes {
            let length = query.len();
            return Err(Failure::BadData(format!(
                "query too long ({length} > {max_bytes} bytes): shorten it"
            )));
        }
        Ok(query)
    }

    /// A whole number.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let parse = |text: &str| {
            text.parse().map_err(|_| wrong(name, &format!("{text:?} is not a whole number in its range")))
        };
        self.get(name).map(parse).transpose()
    }

    /// A length of time in nanoseconds: `5m`, or seconds.
    pub fn duration_ns(&self, name: &str) -> Result<Option<i64>, Failure> {
        let parse = |text: &str| {
            let parsed = duration_ns(text);
            parsed.ok_or_else(|| wrong(name, &format!("cannot parse {text:?} to a valid duration")))
        };
        self.get(name).map(parse).transpose()
    }

    /// How long the client wants to wait at most.
    pub fn timeout(&self) -> Result<Option<Duration>, Failure> {
        let ns = self.duration_ns("timeout")?;
        Ok(ns.map(|ns| Duration::from_nanos(u64::try_from(ns).unwrap_or(0))))
    }
}

/// In the words of Prometheus.
pub(super) fn wrong(name: &str, reason: &str) -> Failure {
    Failure::BadData(format!("invalid parameter \"{name}\": {reason}"))
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let refuse = |reason: String| (StatusCode::BAD_REQUEST, reason).into_response();
        let url = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Query(url) = url.map_err(|e| refuse(e.body_text()))?;
        let mut all = Vec::new();
        if request.method() == Method::POST && has_form(&request) {
            let form = Form::<Vec<(String, String)>>::from_request(request, state).await;
            all = form.map_err(IntoResponse::into_response)?.0;
        }
        all.extend(url);
        Ok(Params(all))
    }
}

fn has_form(request: &Request) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

#[cfg(test)]
impl Params {
    /// From the text of a URL's query.
    pub fn of(text: &str) -> Self {
        let uri = format!("/?{text}").parse().expect("a valid URL");
        Params(Query::try_from_uri(&uri).expect("a query").0)
    }
}
