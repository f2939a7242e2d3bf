//! What is said of one method of one path.

use utoipa::openapi::HttpMethod;

/// Whether a request needs an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Needed,
    /// Not where the node is open.
    NeededUnlessOpen,
    None,
}

/// A body, or an answer's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    Nothing,
    /// JSON of a schema.
    Json(&'static str),
    /// Text of this media type.
    Text(&'static str),
}

/// A parameter behind the question mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// A name of a room or participant.
    Name,
    /// A language tag.
    Language,
    /// A number from the first to the second.
    Number(u32, Option<u32>),
}

/// One method of one path.
#[derive(Clone)]
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: HttpMethod,
    pub(super) what: &'static str,
    pub(super) token: Token,
    pub(super) query: &'static [Parameter],
    pub(super) body: Content,
    /// Whether the body may be left out.
    pub(super) body_optional: bool,
    pub(super) status: u16,
    pub(super) answer: Content,
    pub(super) problems: Vec<u16>,
}

impl Operation {
    /// One that is answered by the room's owner, for a token's bearer.
    pub(super) fn new(method: HttpMethod, path: &'static str, what: &'static str) -> Self {
        Self {
            path,
            method,
            what,
            token: Token::Needed,
            query: &[],
            body: Content::Nothing,
            body_optional: false,
            status: 204,
            answer: Content::Nothing,
            problems: vec![400, 401, 403, 404, 409, 429, 502, 503],
        }
    }

    /// Where the node is open, no token is needed.
    pub(super) fn unless_open(self) -> Self {
        Self { token: Token::NeededUnlessOpen, ..self }
    }

    /// Nobody is asked for a token, or for anything of the owner.
    pub(super) fn free(self, problems: &[u16]) -> Self {
        Self { token: Token::None, problems: problems.to_vec(), ..self }
    }

    pub(super) fn query(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn takes(mut self, body: Content) -> Self {
        self.problems.extend([408, 413, 415]);
        Self { body, ..self }
    }

    pub(super) fn optionally(self) -> Self {
        Self { body_optional: true, ..self }
    }

    pub(super) fn gives(self, status: u16, answer: Content) -> Self {
        Self { status, answer, ..self }
    }

    pub(super) fn or(mut self, problems: &[u16]) -> Self {
        self.problems.extend(problems);
        self
    }
}
