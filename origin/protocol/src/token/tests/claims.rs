//! Claims and headers that are signed right and still wrong.

use serde_json::{Value, json};

use super::super::error::TokenError;
use super::super::{Claims, Grant, Grants, LEEWAY_S, TOKEN_LIFE_MAX_S};
use super::{NOW, SECRET, claims, keys, said, sign_raw};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;

/// What becomes of the usual claims with this text in place of a member, as it stands in JSON.
fn with(member: &str, text: &str) -> Result<Claims, TokenError> {
    let mut body = json!(claims());
    body.as_object_mut().unwrap().remove(member);
    let rest = body.to_string();
    let body = format!("{{{text},{}", &rest[1..]);
    said(&keys(), &sign_raw(HEADER, &body, SECRET), None)
}

#[test]
fn a_token_built_by_hand_passes_when_nothing_is_wrong() {
    assert_eq!(with("exp", &format!(r#""exp":{}"#, NOW + 600)), Ok(claims()));
}

#[test]
fn wrongly_typed_times_are_refused_and_not_taken_as_absent() {
    let wrong = [json!("1700000000"), json!(1.5), json!(-1), json!([NOW]), json!({}), json!(true)];
    for name in ["exp", "nbf", "iat"] {
        for value in wrong.iter().chain([&Value::Null]) {
            let refused = with(name, &format!("\"{name}\":{value}"));
            assert!(
                matches!(refused, Err(TokenError::Claims { .. })),
                "{name} {value}: {refused:?}"
            );
        }
    }
}

#[test]
fn a_room_that_is_null_does_not_mean_every_room() {
    let refused = with("room", r#""room":null"#);
    assert!(matches!(refused, Err(TokenError::Claims { .. })), "{refused:?}");
}

#[test]
fn repeated_members_are_refused_by_name() {
    let cases = [
        ("exp", format!(r#""exp":{0},"exp":{0}"#, NOW + 600)),
        ("role", r#""role":"listener","role":"host""#.to_owned()),
        ("room", r#""room":"agora","room":"forum""#.to_owned()),
        ("sub", r#""sub":"ada","sub":"bob""#.to_owned()),
        ("nbf", format!(r#""nbf":{0},"nbf":{0}"#, NOW)),
        ("grants", r#""grants":{"list":true,"list":false}"#.to_owned()),
        ("grants", r#""grants":{},"grants":{"close":true}"#.to_owned()),
    ];
    for (member, text) in cases {
        let Err(TokenError::Claims { detail }) = with(member, &text) else { panic!("{text}") };
        assert!(detail.contains("duplicate field"), "{text}: {detail}");
    }
}

#[test]
fn a_header_with_repeated_members_is_refused() {
    let headers = [
        r#"{"alg":"HS256","alg":"none","kid":"k1"}"#,
        r#"{"alg":"none","alg":"HS256","kid":"k1"}"#,
        r#"{"alg":"HS256","kid":"k2","kid":"k1"}"#,
    ];
    for header in headers {
        let token = sign_raw(header, &json!(claims()).to_string(), SECRET);
        assert_eq!(said(&keys(), &token, None), Err(TokenError::Algorithm), "{header}");
    }
}

#[test]
fn a_critical_extension_is_refused_because_none_is_known() {
    let header = r#"{"alg":"HS256","kid":"k1","crit":["b64"],"b64":false}"#;
    let token = sign_raw(header, &json!(claims()).to_string(), SECRET);
    assert_eq!(said(&keys(), &token, None), Err(TokenError::Critical));
}

#[test]
fn a_key_in_the_header_is_not_believed() {
    let header = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"kid":"stranger"}"#;
    let token = sign_raw(header, &json!(claims()).to_string(), &[0; 32]);
    assert_eq!(said(&keys(), &token, None), Err(TokenError::UnknownKey));
}

#[test]
fn a_token_that_lives_longer_than_a_month_is_refused() {
    let at = |exp: u64| said(&keys(), &keys().mint(&Claims { exp, ..claims() }).unwrap(), None);
    let iat = claims().iat;
    assert!(at(iat + TOKEN_LIFE_MAX_S).is_ok());
    assert_eq!(at(iat + TOKEN_LIFE_MAX_S + 1), Err(TokenError::LongLived));
    assert_eq!(at(u64::MAX), Err(TokenError::LongLived));
}

#[test]
fn a_token_issued_tomorrow_is_refused_because_it_would_outlive_revocations_of_today() {
    let at = |iat: u64| {
        let claims = Claims { iat, exp: iat.saturating_add(60), ..claims() };
        said(&keys(), &keys().mint(&claims).unwrap(), None)
    };
    assert!(at(NOW + LEEWAY_S).is_ok());
    assert_eq!(at(NOW + LEEWAY_S + 1), Err(TokenError::Early { seconds: LEEWAY_S + 1 }));
    assert!(at(u64::MAX).is_err());
}

#[test]
fn each_grant_is_its_own_and_reads_as_it_is_written() {
    for grant in Grant::ALL {
        let text = json!({ grant.name(): true }).to_string();
        let grants: Grants = serde_json::from_str(&text).unwrap();
        let held: Vec<Grant> =
            Grant::ALL.into_iter().filter(|other| grants.holds(*other)).collect();
        assert_eq!(held, [grant]);
        assert_eq!(grants, Grants::default().with(grant));
    }
}
