//! The document, made of the table and of the types' schemas.

use serde_json::json;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use super::super::body::{JSON, MERGE_PATCH};
use super::super::links::ByRole;
use super::super::problem::{PROBLEM_JSON, ProblemBody};
use super::super::rest;
use super::operation::{Content, Kind, Operation, Parameter, Token};
use super::table::operations;

const BEARER: &str = "bearer";
const NAME: &str = "^[A-Za-z0-9._-]+$";

/// The document as JSON; `open` as in the settings.
pub(crate) fn text(open: bool) -> String {
    // Nothing in it can fail to serialize.
    document(open).to_json().unwrap_or_default()
}

fn document(open: bool) -> OpenApi {
    let mut paths = Paths::new();
    for operation in operations(open) {
        let (path, method) = (operation.path, operation.method.clone());
        paths.add_path_operation(path, vec![method], describe(&operation, open));
    }
    let info = InfoBuilder::new()
        .title("Stoa")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Live audio rooms. Every edge serves all of it."))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let mut components =
        ComponentsBuilder::new().security_scheme(BEARER, SecurityScheme::Http(bearer));
    for (name, schema) in schemas() {
        components = components.schema(name, schema);
    }
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    add::<ProblemBody>(&mut all);
    add::<ByRole>(&mut all);
    add::<rest::Visibility>(&mut all);
    add::<rest::Wanted>(&mut all);
    add::<rest::Change>(&mut all);
    add::<rest::Room>(&mut all);
    add::<rest::RoomPage>(&mut all);
    add::<rest::Created>(&mut all);
    add::<rest::Participant>(&mut all);
    add::<rest::ParticipantPage>(&mut all);
    add::<rest::WaitingHand>(&mut all);
    add::<rest::HandPage>(&mut all);
    add::<rest::LogEntry>(&mut all);
    add::<rest::LogPage>(&mut all);
    add::<rest::Ban>(&mut all);
    add::<rest::BanPage>(&mut all);
    add::<rest::BanWanted>(&mut all);
    add::<rest::Blocked>(&mut all);
    add::<rest::BlockedPage>(&mut all);
    add::<rest::DrainWanted>(&mut all);
    add::<rest::Drain>(&mut all);
    add::<rest::RevocationWanted>(&mut all);
    add::<rest::Erasure>(&mut all);
    add::<rest::RoleWanted>(&mut all);
    add::<rest::Muting>(&mut all);
    add::<rest::HandOver>(&mut all);
    add::<rest::Reason>(&mut all);
    add::<rest::Invitation>(&mut all);
    add::<rest::Drawn>(&mut all);
    all
}

fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), <T as PartialSchema>::schema()));
}

fn describe(operation: &Operation, open: bool) -> OperationBuilder {
    let mut described = OperationBuilder::new().summary(Some(operation.what));
    for segment in operation.path.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            described = described.parameter(in_path(name));
        }
    }
    for parameter in operation.query {
        described = described.parameter(in_query(parameter));
    }
    if operation.token == Token::Needed || (operation.token == Token::NeededUnlessOpen && !open) {
        described = described.security(SecurityRequirement::new(BEARER, [""; 0]));
    } else if operation.token == Token::NeededUnlessOpen {
        described = described.security(SecurityRequirement::default());
        described = described.security(SecurityRequirement::new(BEARER, [""; 0]));
    }
    described = described.request_body(body(operation));
    described = described.response(operation.status.to_string(), answer(operation.answer));
    if operation.method == utoipa::openapi::HttpMethod::Patch && operation.path.contains("session")
    {
        described = described.response("204", answer(Content::Nothing));
    }
    for status in &operation.problems {
        described = described.response(status.to_string(), problem());
    }
    described
}

fn in_path(name: &str) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).min_length(Some(1));
    let text = match name {
        "session" => text.pattern(Some("^[0-9a-f]{32}$")),
        "identity" | "other" => text.max_length(Some(128)),
        _ => text.max_length(Some(64)).pattern(Some(NAME)),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(text))
}

fn in_query(parameter: &Parameter) -> ParameterBuilder {
    let text = || ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    let schema = match parameter.kind {
        Kind::Text(most) => text().max_length(Some(most)),
        Kind::Name => text().max_length(Some(64)).pattern(Some(NAME)),
        Kind::Language => text().max_length(Some(35)),
        Kind::Number(least, most) => ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .minimum(Some(f64::from(least)))
            .maximum(most.map(f64::from)),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(parameter.what))
        .schema(Some(schema))
}

fn body(operation: &Operation) -> Option<RequestBody> {
    let required = if operation.body_optional { Required::False } else { Required::True };
    let body = RequestBodyBuilder::new().required(Some(required));
    let body = match operation.body {
        Content::Nothing => return None,
        Content::Text(kind) => body.content(kind, plain()),
        Content::Json(name) => {
            let body = body.content(JSON, of_schema(name));
            if name == "Change" { body.content(MERGE_PATCH, of_schema(name)) } else { body }
        }
    };
    Some(body.build())
}

fn answer(content: Content) -> Response {
    let response = ResponseBuilder::new().description("Done.");
    match content {
        Content::Nothing => response,
        Content::Text(JSON) => {
            let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::Object));
            response.content(JSON, ContentBuilder::new().schema(Some(object)).build())
        }
        Content::Text(kind) => response.content(kind, plain()),
        Content::Json(name) => response.content(JSON, of_schema(name)),
    }
    .build()
}

fn problem() -> Response {
    ResponseBuilder::new()
        .description("Why not (RFC 9457).")
        .content(PROBLEM_JSON, of_schema("Problem"))
        .build()
}

fn plain() -> utoipa::openapi::Content {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    ContentBuilder::new().schema(Some(text)).example(Some(json!("v=0\r\n"))).build()
}

fn of_schema(name: &str) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build()
}
