//! What the origin of a standalone node is given.

#[cfg(feature = "standalone")]
use anyhow::ensure;
#[cfg(feature = "standalone")]
use stoa_origin::{archive::Retention, webhook};

use super::Config;

/// Settings of the origin inside this process; nothing in a binary without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnOrigin {
    /// Who is told what happens in rooms.
    #[cfg(feature = "standalone")]
    pub webhooks: Vec<webhook::Settings>,
    /// How long what is personal is kept.
    #[cfg(feature = "standalone")]
    pub retention: Retention,
}

#[cfg(feature = "standalone")]
impl Config {
    /// What the origin of this node is given.
    #[must_use]
    pub fn own_origin(&self) -> OwnOrigin {
        OwnOrigin { webhooks: self.webhooks.clone(), retention: self.retention }
    }

    pub(super) fn check_own_origin(&self) -> anyhow::Result<()> {
        let unused = !self.webhooks.is_empty() || self.retention != Retention::default();
        ensure!(
            self.is_standalone() || !unused,
            "[[webhooks]] and [retention] belong to the rooms' origin: set them in its configuration, \
             not in that of an edge that links to one"
        );
        self.retention.check()?;
        webhook::Settings::check_all(&self.webhooks)?;
        Ok(())
    }
}

#[cfg(not(feature = "standalone"))]
impl Config {
    /// There is no origin here.
    #[must_use]
    pub fn own_origin(&self) -> OwnOrigin {
        OwnOrigin::default()
    }
}

#[cfg(test)]
#[cfg(feature = "standalone")]
mod tests {
    use std::path::Path;

    use stoa_runtime::configuration::parse;

    use super::*;

    const TEXT: &str = r#"
        [[webhooks]]
        url = "https://hooks.example.net/secret-path"
        secret = "0123456789abcdef0123456789abcdef"
        authority = "/etc/ssl/certs/ca-certificates.crt"

        [retention]
        log_days = 7
    "#;

    fn config(before: &str) -> Config {
        parse(&format!("{before}{TEXT}"), Path::new("x")).unwrap()
    }

    #[test]
    fn a_standalone_node_tells_back_ends_and_forgets_and_no_secret_is_shown() {
        let own = config("").own_origin();
        assert_eq!((own.webhooks.len(), own.retention.log_days), (1, 7));
        assert_eq!(own.retention.closed_rooms_days, Retention::default().closed_rooms_days);
        let shown = format!("{own:?}");
        assert!(!shown.contains("secret-path") && !shown.contains("0123456789abcdef"), "{shown}");
        assert!(config("").check_own_origin().is_ok());
    }

    #[test]
    fn an_edge_that_links_to_an_origin_says_where_they_belong() {
        let linked = config("mesh.origins = [\"a.example:7443\"]\n");
        let told = linked.check_own_origin().unwrap_err().to_string();
        assert!(told.contains("[[webhooks]]") && told.contains("origin"), "{told}");
        let plain: Config = parse("mesh.origins = [\"a.example:7443\"]", Path::new("x")).unwrap();
        assert!(plain.check_own_origin().is_ok());
    }

    #[test]
    fn a_broken_endpoint_is_refused_at_the_start() {
        let mut config = config("");
        config.webhooks[0].url = stoa_runtime::configuration::Secret::new("ftp://x");
        assert!(config.check_own_origin().is_err());
    }
}
