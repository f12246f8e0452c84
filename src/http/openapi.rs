//! The OpenAPI document: what is common to all operations, and the pages that show it.
//!
//! Handlers describe what is theirs. What holds for every operation of a kind (problems, rate limits, validators) is
//! added here, once.

use utoipa::{
    OpenApi,
    openapi::{
        Components, Content, Header, HttpMethod, Info, License, ObjectBuilder, PathItem, Ref, RefOr, Required,
        ResponseBuilder, Server, Tag,
        header::HeaderBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{Schema, SchemaType, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::buyer::CART_COOKIE;
use super::problem::{FieldError, Kind, PROBLEM_JSON, ProblemDocument};

/// The name of the cookie that holds a session's token.
pub const SESSION_COOKIE: &str = "bookstore_session";

/// The extension of an operation to which conditional requests do not apply although it is a GET: streams and downloads.
pub const UNCONDITIONAL: &str = "x-unconditional";

#[derive(OpenApi)]
#[openapi(components(schemas(ProblemDocument, FieldError)))]
struct Common;

const DESCRIPTION: &str = "\
An online book shop's back end.

- **Errors** are `application/problem+json` (RFC 9457) with a stable `type`, and name every offending part.
- **Reads** carry a strong `ETag`; send it back as `If-None-Match` and get 304 while nothing has changed.
- **Writes** to what has an `ETag` want it as `If-Match`: 412 when somebody else was faster, 428 when it is missing.
- **Your own writes**: the answer to a write carries `Consistency-Token`; a read that sends it back sees the write, whichever
  process answers. Without it the others need some milliseconds to hear of it.
- **Limits** are told by `RateLimit` and `RateLimit-Policy` on every answer; 429 and 503 carry `Retry-After`.
- **Sessions**: send the token as `Authorization: Bearer …`, or use the cookie together with its CSRF token.
- **Guests** have a cart without an account: the answer to their first book tells its token in `Cart-Token` and in a cookie.
- **Money** is in minor units with its currency, times are RFC 3339 in UTC, ids are UUIDs.";

const WEBHOOKS: &str = "\
Telling other systems what happens, after the [Standard Webhooks](https://www.standardwebhooks.com) convention.

An event is a `POST` of `{\"type\", \"timestamp\", \"data\"}` with the headers `webhook-id`, `webhook-timestamp` (seconds since 1970)
and `webhook-signature`: `v1,` and the Base64 of the HMAC-SHA-256 of `{webhook-id}.{webhook-timestamp}.{body}`, by the bytes that
follow `whsec_` in the secret; during a change of secrets there are two, separated by a space. Answer with any 2xx within ten
seconds. Everything else, redirects included, is tried again with growing pauses (`Retry-After` is heeded up to a day); 410
disables the endpoint, and so does failing for days.

Events come **at least once and in no certain order**: recognise by `webhook-id` what you had before, and read the newest state
by the API. The data are ids and what the event itself knows:

| type | when | data |
|---|---|---|
| `product.created`, `product.changed`, `product.retired` | a book entered the catalogue, changed, was withdrawn | `product_id` |
| `product.imported` | an import wrote a batch of books | `created`, `changed`: lists of ids |
| `stock.changed` | copies came, went or were reserved | `levels`: `product_id`, `version`, `on_hand`, `reserved` of each |
| `stock.availability_changed` | books came in stock, ran low or ran out | `product_ids` |
| `order.created` | an order was placed | `order_id`, `user_id` (`null` for guests), `state` |
| `order.paid`, `order.shipped`, `order.delivered`, `order.cancelled`, `order.refunded`, `order.expired` | it came into that state | the same, and `previous_state` |
| `refund.created` | money was sent back | `order_id`, `user_id`, `refund_id`, `amount` |
| `webhook.test` | an administrator tries the endpoint | `endpoint_id` |";

const TAGS: &[(&str, &str)] = &[
    ("products", "The catalogue: browse, search, and administer books."),
    ("inventory", "Stock: how many copies there are, why that changed, and a stream of the changes."),
    ("reviews", "What readers say of books, and what others think of that."),
    ("genres", "The genres and how many books each has."),
    ("leaderboards", "Who is first, by what, in which time."),
    ("cart", "What somebody is about to buy, guests too."),
    ("orders", "Buying, and what happens to orders afterwards."),
    ("payments", "Paying for orders, and sending the money back."),
    ("users", "Accounts and their owners' rights."),
    ("sessions", "Signing in and out."),
    ("admin", "Looking after the shop."),
    ("webhooks", WEBHOOKS),
    ("operations", "Health and documentation."),
];

/// The document that the routers add their operations to.
#[must_use]
pub fn base() -> utoipa::openapi::OpenApi {
    let mut api = Common::openapi();
    let mut info = Info::new("Bookstore", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    info.license = Some(license);
    api.info = info;
    api.servers = Some(vec![Server::new("/")]);
    let tags = TAGS.iter().map(|(name, description)| {
        let mut tag = Tag::new(*name);
        tag.description = Some((*description).to_owned());
        tag
    });
    api.tags = Some(tags.collect());
    let components = api.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("opaque")
        .description(Some("The token that signing in gives."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "The cookie that signing in sets. Changes need the CSRF token as well.",
    );
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let token = ApiKeyValue::with_description("Cart-Token", "The token that a guest's first book in the cart gives.");
    components.add_security_scheme("cart_token", SecurityScheme::ApiKey(ApiKey::Header(token)));
    let cookie = ApiKeyValue::with_description(CART_COOKIE, "The same in a cookie.");
    components.add_security_scheme("cart_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for kind in Kind::ALL {
        let name = component_of(kind.status().as_u16());
        components.responses.entry(name).or_insert_with(|| problem_response(*kind).into());
    }
    api
}

/// Adds to every operation what holds for all of its kind.
pub fn complete(api: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let has_id = path.contains('{');
        for (method, operation) in operations(item) {
            let limited = !super::health::PATHS.contains(&path.as_str()) && !super::payments::is_event(path);
            add_common(operation, &method, has_id, limited);
        }
    }
}

/// The operations of a path with their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn add_common(operation: &mut Operation, method: &HttpMethod, has_id: bool, limited: bool) {
    describe_parameters(operation);
    // Path, query or header parameters can be malformed; a refused encoding is possible everywhere.
    let mut statuses = vec![400, 406];
    if has_id {
        statuses.push(404);
    }
    if has_parameter_in(operation, &ParameterIn::Query) {
        statuses.push(422);
    }
    if operation.request_body.is_some() {
        statuses.extend([408, 413, 415, 422]);
    }
    if operation.security.as_ref().is_some_and(|security| !security.is_empty()) {
        statuses.extend([401, 403]);
    }
    if let Some(if_match) = header_mut(operation, "if-match") {
        let tags = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).pattern(Some(ENTITY_TAGS));
        if_match.schema = Some(tags.build().into());
        statuses.extend([412, 428]);
    }
    if limited {
        statuses.extend([429, 500, 503]);
    }
    for status in statuses {
        let reference = Ref::from_response_name(component_of(status));
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| reference.into());
    }
    let unconditional = operation.extensions.as_ref().is_some_and(|given| given.contains_key(UNCONDITIONAL));
    if *method == HttpMethod::Get && limited && !unconditional {
        add_conditions(operation);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_header(&mut response.headers, "X-Request-Id", "The request's id, also in the log.");
            if limited {
                add_header(
                    &mut response.headers,
                    "RateLimit",
                    "What is left of the quota, and when it is whole again.",
                );
                add_header(&mut response.headers, "RateLimit-Policy", "The quota that this request counts against.");
            }
            if limited && *method == HttpMethod::Get && !unconditional && (status == "200" || status == "304") {
                add_header(&mut response.headers, "ETag", "The strong validator of this representation.");
                add_header(&mut response.headers, "Cache-Control", "Who may keep it and for how long.");
            }
        }
    }
}

/// What every conditional read has: `If-None-Match`, `If-Modified-Since`, 304.
fn add_conditions(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for (name, description) in [
        ("If-None-Match", "The ETag of the copy that the client has; 304 while it is still good."),
        ("If-Modified-Since", "The Last-Modified of the copy that the client has; not looked at beside If-None-Match."),
    ] {
        let parameter: Parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))))
            .build();
        parameters.push(parameter.into());
    }
    let not_modified = ResponseBuilder::new().description("The client's copy is still good").build();
    operation.responses.responses.entry("304".to_owned()).or_insert_with(|| not_modified.into());
}

fn add_header(headers: &mut std::collections::BTreeMap<String, RefOr<Header>>, name: &str, description: &str) {
    headers.entry(name.to_owned()).or_insert_with(|| {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        HeaderBuilder::new().schema(Some(text)).description(Some(description)).build().into()
    });
}

fn has_parameter_in(operation: &Operation, place: &ParameterIn) -> bool {
    parameters(operation).any(|parameter| parameter.parameter_in == *place)
}

/// What `If-Match` takes: `*`, or entity tags (RFC 9110, section 8.8.3).
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

/// The derive drops the comment of a parameter that brings a schema of its own: the schema's words stand in for it.
fn describe_parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.description.is_none()
        {
            parameter.description = match &parameter.schema {
                Some(RefOr::T(Schema::Object(schema))) => schema.description.clone(),
                Some(RefOr::T(Schema::Array(schema))) => schema.description.clone(),
                _ => None,
            };
        }
    }
}

fn header_mut<'a>(operation: &'a mut Operation, name: &str) -> Option<&'a mut Parameter> {
    operation.parameters.iter_mut().flatten().find_map(|parameter| match parameter {
        RefOr::T(parameter)
            if parameter.parameter_in == ParameterIn::Header && parameter.name.eq_ignore_ascii_case(name) =>
        {
            Some(parameter)
        }
        _ => None,
    })
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// The name of the reusable response of a status.
fn component_of(status: u16) -> String {
    format!("Problem{status}")
}

fn problem_response(kind: Kind) -> utoipa::openapi::Response {
    let example = super::problem::Problem::new(kind)
        .document(Some("/api/v1/products"), Some("0198c0de-7a11-7000-8000-000000000000"));
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    content.example = serde_json::to_value(example).ok();
    let mut builder = ResponseBuilder::new().description(kind.title()).content(PROBLEM_JSON, content);
    if matches!(kind.status().as_u16(), 429 | 503) {
        let seconds = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        let wait =
            HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds after which to come back.")).build();
        builder = builder.header("Retry-After", wait);
    }
    builder.build()
}

#[cfg(test)]
mod tests;
