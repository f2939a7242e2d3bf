//! The OpenAPI document says of the router what is so, and all of it.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::Stage;
use crate::signaling::router::api_routes;

async fn document(stage: &Stage) -> Value {
    let reply = stage.ask(Method::GET, "/openapi.json", &[]).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/json"));
    reply.json()
}

fn methods(path: &Value) -> BTreeSet<String> {
    let all = ["get", "put", "post", "patch", "delete"];
    all.into_iter().filter(|method| path.get(method).is_some()).map(str::to_uppercase).collect()
}

/// The methods that a path serves, as its answer to one that it does not serve says.
async fn served(stage: &Stage, path: &str) -> BTreeSet<String> {
    let path = path.replace(['{', '}'], "");
    let reply = stage.ask(Method::TRACE, &path, &[]).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    let allowed = reply.header("allow").split(',').map(|method| method.trim().to_owned());
    allowed.filter(|method| method != "HEAD" && method != "OPTIONS").collect()
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_reverse() {
    for stage in [Stage::open(), Stage::new()] {
        let document = document(&stage).await;
        let paths = document["paths"].as_object().expect("paths");
        let said: BTreeMap<_, _> =
            paths.iter().map(|(path, of)| (path.clone(), methods(of))).collect();
        let mut routed = BTreeMap::new();
        for (path, _) in api_routes(stage.app.settings.open) {
            routed.insert(path.to_owned(), served(&stage, path).await);
        }
        assert_eq!(said, routed);
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_and_every_problem_is_one() {
    let document = document(&Stage::open()).await;
    let schemas = &document["components"]["schemas"];
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 15);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").expect("a schema");
        assert!(schemas.get(name).is_some(), "{name}");
    }
    for (path, of) in document["paths"].as_object().expect("paths") {
        for method in methods(of) {
            let operation = &of[method.to_lowercase()];
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses.keys().any(|status| !status.starts_with(['4', '5'])),
                "{method} {path}"
            );
            for (_, problem) in
                responses.iter().filter(|(status, _)| status.starts_with(['4', '5']))
            {
                let schema = &problem["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_takes_a_token_says_so() {
    let document = document(&Stage::new()).await;
    let free = ["/openapi.json", "/v1/probe", "/v1/rooms/{room}/ws"];
    for (path, of) in document["paths"].as_object().expect("paths") {
        for method in methods(of) {
            let nothing = method == "GET"
                && (path.ends_with("/whip")
                    || path.ends_with("/whep")
                    || path.ends_with("{session}"));
            let needs = !nothing && !free.contains(&path.as_str());
            let security = &of[method.to_lowercase()]["security"];
            assert_eq!(security[0].get("bearer").is_some(), needs, "{method} {path}");
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

fn collect<'a>(value: &'a Value, references: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
