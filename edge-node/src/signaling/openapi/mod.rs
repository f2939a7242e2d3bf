//! The OpenAPI document of the HTTP API, as `/openapi.json` serves it.
//!
//! | module | what it holds |
//! |---|---|
//! | `document` | the document, made of the table and of the types' schemas |
//! | `operation` | what is said of one method of one path |
//! | `table` | every method of every path |

mod document;
mod operation;
mod table;

pub(super) use document::text;
