//! Who keeps whom out of rooms that he hosts, in memory. By tenant as messages name it, so that nothing is ever looked for
//! in another's lists.

use std::collections::BTreeMap;
use std::ops::Bound;

use stoa_protocol::mesh::control::{BlockInfo, BlockPage};

/// Whom one identity may block.
pub(super) const BLOCKED_PER_IDENTITY_MAX: usize = 1_000;

/// Blocks that one origin knows, of all tenants.
pub const BLOCKS_MAX: usize = 200_000;

/// Since when each is blocked, in milliseconds since 1970.
type Blocked = BTreeMap<String, u64>;

/// All blocks.
#[derive(Debug)]
pub(super) struct Blocklist {
    /// By tenant, then by who blocks.
    lists: BTreeMap<String, BTreeMap<String, Blocked>>,
    len: usize,
    max: usize,
}

/// Why a block has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The list of who blocks.
    List,
    /// All lists together.
    Table,
}

impl Blocklist {
    pub(super) fn new(max: usize) -> Self {
        Self { lists: BTreeMap::new(), len: 0, max }
    }

    /// Puts somebody on a list. Gives since when he is there.
    pub(super) fn insert(
        &mut self,
        tenant: &str,
        identity: &str,
        other: &str,
        at_ms: u64,
    ) -> Result<u64, Full> {
        let list = self.lists.get(tenant).and_then(|of_tenant| of_tenant.get(identity));
        if let Some(since) = list.and_then(|list| list.get(other)) {
            return Ok(*since);
        }
        if list.map_or(0, BTreeMap::len) >= BLOCKED_PER_IDENTITY_MAX {
            return Err(Full::List);
        }
        if self.len >= self.max {
            return Err(Full::Table);
        }
        let of_tenant = self.lists.entry(tenant.to_owned()).or_default();
        of_tenant.entry(identity.to_owned()).or_default().insert(other.to_owned(), at_ms);
        self.len += 1;
        Ok(at_ms)
    }

    /// Takes somebody off a list.
    pub(super) fn remove(&mut self, tenant: &str, identity: &str, other: &str) {
        let Some(of_tenant) = self.lists.get_mut(tenant) else { return };
        let Some(list) = of_tenant.get_mut(identity) else { return };
        self.len -= usize::from(list.remove(other).is_some());
        if list.is_empty() {
            of_tenant.remove(identity);
        }
        if of_tenant.is_empty() {
            self.lists.remove(tenant);
        }
    }

    pub(super) fn holds(&self, tenant: &str, identity: &str, other: &str) -> bool {
        let list = self.lists.get(tenant).and_then(|of_tenant| of_tenant.get(identity));
        list.is_some_and(|list| list.contains_key(other))
    }

    /// A page of a list: identities that sort after `after`.
    pub(super) fn page(
        &self,
        tenant: &str,
        identity: &str,
        after: &str,
        limit: usize,
    ) -> BlockPage {
        let list = self.lists.get(tenant).and_then(|of_tenant| of_tenant.get(identity));
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let mut later = list.into_iter().flat_map(|list| list.range::<str, _>(behind));
        let info =
            |(other, at_ms): (&String, &u64)| BlockInfo { identity: other.clone(), at_ms: *at_ms };
        let blocks: Vec<BlockInfo> = later.by_ref().take(limit).map(info).collect();
        let more = later.next().is_some();
        let last = blocks.last().filter(|_| more);
        BlockPage { next: last.map(|block| block.identity.clone()).unwrap_or_default(), blocks }
    }

    /// Who blocks whom, where `identity` is one of the two.
    pub(super) fn naming(&self, tenant: &str, identity: &str) -> Vec<(String, String)> {
        let lists = self.lists.get(tenant).into_iter().flatten();
        let all = lists.flat_map(|(by, list)| list.keys().map(move |other| (by, other)));
        all.filter(|(by, other)| *by == identity || *other == identity)
            .map(|(by, other)| (by.clone(), other.clone()))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_blocked_by_one_identity_of_one_tenant_until_he_is_taken_off() {
        let mut list = Blocklist::new(BLOCKS_MAX);
        assert_eq!(list.insert("", "hana", "troll", 7), Ok(7));
        assert_eq!(list.insert("", "hana", "troll", 9), Ok(7), "he is there already");
        assert!(list.holds("", "hana", "troll") && list.len() == 1);
        for (tenant, identity, other) in
            [("acme", "hana", "troll"), ("", "mo", "troll"), ("", "troll", "hana")]
        {
            assert!(!list.holds(tenant, identity, other));
            list.remove(tenant, identity, other);
        }
        assert!(list.holds("", "hana", "troll"));
        list.remove("", "hana", "troll");
        assert!(!list.holds("", "hana", "troll") && list.len() == 0 && list.lists.is_empty());
    }

    #[test]
    fn a_full_list_and_a_full_table_take_nobody_more_and_say_which_it_is() {
        let mut list = Blocklist::new(BLOCKED_PER_IDENTITY_MAX + 1);
        for number in 0..BLOCKED_PER_IDENTITY_MAX {
            list.insert("", "hana", &number.to_string(), 1).unwrap();
        }
        assert_eq!(list.insert("", "hana", "one more", 1), Err(Full::List));
        assert_eq!(list.insert("", "hana", "7", 1), Ok(1), "who is there stays there");
        assert_eq!(list.insert("", "mo", "troll", 1), Ok(1));
        assert_eq!(list.insert("", "mo", "ghost", 1), Err(Full::Table));
        list.remove("", "hana", "7");
        assert_eq!(list.insert("", "mo", "ghost", 1), Ok(1));
    }

    #[test]
    fn a_list_is_told_in_pages_by_identity_and_somebody_is_found_on_every_side() {
        let mut list = Blocklist::new(BLOCKS_MAX);
        for (by, other) in [("a", "c"), ("a", "b"), ("a", "d"), ("b", "c"), ("d", "a")] {
            list.insert("", by, other, 1).unwrap();
        }
        let page = |after: &str, limit| {
            let page = list.page("", "a", after, limit);
            (page.blocks.into_iter().map(|b| b.identity).collect::<Vec<_>>(), page.next)
        };
        assert_eq!(page("", 2), (vec!["b".into(), "c".into()], "c".into()));
        assert_eq!(page("c", 2), (vec!["d".into()], String::new()));
        assert_eq!(list.page("", "nobody", "", 2), BlockPage::default());
        let pair = |by: &str, other: &str| (by.to_owned(), other.to_owned());
        assert_eq!(list.naming("", "b"), [pair("a", "b"), pair("b", "c")]);
        assert_eq!(list.naming("acme", "b"), []);
    }
}
