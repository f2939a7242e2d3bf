//! What stands behind the question mark: only parameters that the path knows, each at most once.

use axum::extract::Query;
use axum::http::Uri;

use super::super::problem::Problem;

/// Most entries of a page.
pub(crate) const PAGE_MAX: u32 = 100;
/// Entries of a page unless asked for otherwise.
pub(crate) const PAGE_DEFAULT: u32 = 50;

/// Parameters, by name.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 that names the parameter, for an unknown or repeated one.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| malformed("query", "The query cannot be read.".into()))?;
        for (place, (name, _)) in pairs.iter().enumerate() {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
            if !known.contains(&name.as_str()) {
                return Err(malformed(
                    &shown,
                    format!("The parameter `{shown}` is not known here."),
                ));
            }
            if pairs.iter().take(place).any(|(before, _)| before == name) {
                return Err(malformed(&shown, format!("The parameter `{shown}` is given twice.")));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter's value; empty when it is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The size of the page.
    ///
    /// # Errors
    /// 400 for anything but 1 to [`PAGE_MAX`].
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.text("limit") {
            "" if !self.0.iter().any(|(name, _)| name == "limit") => Ok(PAGE_DEFAULT),
            text => {
                text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or_else(|| {
                    let detail = format!("The parameter `limit` must be from 1 to {PAGE_MAX}.");
                    malformed("limit", detail)
                })
            }
        }
    }

    /// What the page comes after, if `check` finds that it can be.
    ///
    /// # Errors
    /// 400 otherwise.
    pub(super) fn after<E>(
        &self,
        check: impl Fn(String) -> Result<(), E>,
    ) -> Result<String, Problem> {
        let after = self.text("after").to_owned();
        if !after.is_empty() && check(after.clone()).is_err() {
            let detail = "The parameter `after` must be the `next` of another page.";
            return Err(malformed("after", detail.into()));
        }
        Ok(after)
    }

    /// A count that is 0 when it is absent.
    ///
    /// # Errors
    /// 400 for anything else than a number.
    pub(super) fn number(&self, name: &str) -> Result<u64, Problem> {
        match self.text(name) {
            "" if !self.0.iter().any(|(known, _)| known == name) => Ok(0),
            text => text
                .parse()
                .map_err(|_| malformed(name, format!("The parameter `{name}` must be a number."))),
        }
    }
}

/// 400 for a parameter.
pub(super) fn malformed(name: &str, detail: String) -> Problem {
    Problem::bad_request("query-malformed", detail).about(name)
}
