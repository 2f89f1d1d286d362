//! Which processes a site has, and which of them does what.

/// A process of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything in one.
    Up,
    Broker,
    Index,
    Process,
    Ship,
}

/// Which processes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `tailrace up`.
    Together,
    /// The same with its segments in a bucket.
    InBucket,
    /// Each service alone, on the embedded broker.
    Apart,
    /// Each service alone, on Apache Kafka.
    OnKafka,
}

impl Layout {
    /// In the order in which they start.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Layout::Together => &[Role::Up],
            Layout::InBucket => &[Role::Up],
            Layout::Apart => &[Role::Broker, Role::Index, Role::Process, Role::Ship],
            Layout::OnKafka => &[Role::Index, Role::Process, Role::Ship],
        }
    }

    /// The process that passes a fault point, if there is one here.
    pub fn role_at(self, point: &str) -> Option<Role> {
        let alone = match point.split('.').next() {
            Some("broker") => Role::Broker,
            Some("shipper") => Role::Ship,
            Some("index") => Role::Index,
            _ => Role::Process,
        };
        let role = self.serving(alone);
        self.roles().contains(&role).then_some(role)
    }

    /// Whether segments lie in a bucket.
    pub fn has_bucket(self) -> bool {
        self == Layout::InBucket
    }

    /// Bytes: the least that its broker takes.
    pub fn smallest_segment(self) -> &'static str {
        match self {
            Layout::OnKafka => "1048576",
            _ => "16384",
        }
    }

    /// The process that does the work of a service.
    pub fn serving(self, alone: Role) -> Role {
        if self.roles() == [Role::Up] { Role::Up } else { alone }
    }
}
