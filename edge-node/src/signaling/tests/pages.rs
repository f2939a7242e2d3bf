//! The web client as the server gives it out.

use axum::http::{Method, StatusCode};

use super::Stage;

#[tokio::test]
async fn pages_and_scripts_have_their_types_and_strict_headers() {
    let stage = Stage::new();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/r/agora", "text/html; charset=utf-8"),
        ("/stoa.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let reply = stage.ask(Method::GET, path, &[]).await;
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, kind), "{path}");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("connect-src 'self' ws: wss:")
        );
        assert!(!policy.contains("unsafe"));
        assert!(reply.header("permissions-policy").contains("microphone=(self)"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn a_current_copy_is_not_sent_again() {
    let stage = Stage::new();
    let first = stage.ask(Method::GET, "/stoa.js", &[]).await;
    let tag = first.header("etag");
    for known in [tag, &format!("W/{tag}"), &format!("\"x\", {tag}")] {
        let again = stage.ask(Method::GET, "/stoa.js", &[("if-none-match", known)]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(again.header("etag"), tag);
    }
    let other = stage.ask(Method::GET, "/stoa.js", &[("if-none-match", "\"x\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_for_browsers_is_not_served() {
    let stage = Stage::new();
    for path in ["/PROTOCOL.md", "/jsconfig.json", "/r/a%20b", "/r/"] {
        let reply = stage.ask(Method::GET, path, &[]).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        reply.problem();
    }
}
