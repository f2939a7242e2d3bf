//! Values from a node's metrics page (Prometheus text format).

use std::net::SocketAddr;

use anyhow::Result;
use hyper::{Method, StatusCode};

use crate::load::Connection;

/// A metrics page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// As a node shows it now.
    ///
    /// # Errors
    /// When the node cannot be reached or has no such page.
    pub(crate) async fn read(node: SocketAddr) -> Result<Self> {
        let mut connection = Connection::open(node).await?;
        let answer = connection.send(Method::GET, "/metrics", None, None).await?;
        Ok(Self(answer.expect(StatusCode::OK, "/metrics")?.to_owned()))
    }

    /// The sum of all series of a metric whose labels hold `label` (any, when it is empty); `None`
    /// when there is none.
    pub(crate) fn sum(&self, metric: &str, label: &str) -> Option<f64> {
        let values = self.0.lines().filter_map(|line| value(line, metric, label));
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// The largest of all series of a metric whose labels hold `label`.
    pub(crate) fn max(&self, metric: &str, label: &str) -> Option<f64> {
        self.0.lines().filter_map(|line| value(line, metric, label)).reduce(f64::max)
    }
}

fn value(line: &str, metric: &str, label: &str) -> Option<f64> {
    let rest = line.strip_prefix(metric)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?,
        None => ("", rest.strip_prefix(' ')?),
    };
    labels.contains(label).then(|| rest.split_whitespace().next()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn series_are_told_apart_by_name_and_label() {
        let page = Page(
            "# HELP a_total x\na_total 3\na_total_more 9\n\
             b{side=\"in\",n=\"1\"} 0.5\nb{side=\"out\",n=\"1\"} 2\nb{side=\"out\",n=\"2\"} 1\n"
                .into(),
        );
        assert_eq!(page.sum("a_total", ""), Some(3.0));
        assert_eq!(page.sum("b", ""), Some(3.5));
        assert_eq!(page.max("b", "side=\"out\""), Some(2.0));
        assert_eq!(page.sum("c", ""), None);
    }
}
