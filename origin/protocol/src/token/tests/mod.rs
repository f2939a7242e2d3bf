//! Every way in which a token can be wrong, some of them built by hand.

mod claims;
mod ed25519;
mod secrets;
mod tenants;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::{Claims, Grants, Keys, TokenError};
use crate::ids::{Role, RoomId};

const NOW: u64 = 1_700_000_000;
const HS256: Algorithm = Algorithm::HS256;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const OTHER_SECRET: &[u8] = b"fedcba9876543210fedcba9876543210";

/// What a token says, if it is good.
fn said(keys: &Keys, token: &str, room: Option<&RoomId>) -> Result<Claims, TokenError> {
    keys.verify(token, room, NOW).map(|bearer| bearer.claims)
}

/// A token of these parts as they are, signed right.
fn sign_raw(header: &str, body: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(body.as_bytes()));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, HS256).unwrap();
    format!("{message}.{signature}")
}

fn claims() -> Claims {
    Claims {
        room: Some(room("agora")),
        sub: "socrates".to_owned(),
        name: "Socrates".to_owned(),
        role: Role::Speaker,
        grants: Grants { list: true, ..Grants::default() },
        iat: NOW - 10,
        nbf: None,
        exp: NOW + 600,
        jti: "t-1".to_owned(),
    }
}

fn room(id: &str) -> RoomId {
    RoomId::new(id).unwrap()
}

fn keys() -> Keys {
    Keys::new([("k1".to_owned(), SECRET)]).unwrap()
}

fn sign(header: &Header, body: &impl Serialize, secret: &[u8]) -> String {
    jsonwebtoken::encode(header, body, &EncodingKey::from_secret(secret)).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            let six = (word >> (18 - 6 * index)) & 0x3f;
            out.push(char::from(ALPHABET[six as usize]));
        }
    }
    out
}
