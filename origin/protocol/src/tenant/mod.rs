//! Tenants: who rooms belong to, and how much of the network each may use.
//!
//! | module | what it holds |
//! |---|---|
//! | `quota` | how much a tenant may have at once |
//! | `rates` | how often a tenant, a key and an address may join |
//! | `rules` | whose rooms a tenant may touch |

mod quota;
mod rates;
mod rules;

pub use crate::ids::TenantId;
pub use quota::{Quota, QuotaReached, Quotas};
pub use rates::{ADDRESSES_MAX, JoinFrom, Network, Rates};
pub use rules::{TENANTS_MAX, may_operate, may_touch};
