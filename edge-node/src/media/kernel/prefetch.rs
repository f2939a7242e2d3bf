//! Brings keys into the cache before they are needed. A listener's key lies somewhere on the heap; with ten
//! thousand of them each seal would wait for memory, several times as long as sealing takes.

use std::sync::OnceLock;

use aws_lc_rs::aead::LessSafeKey;

/// Words of a key object; one of them points to the key's tables on the heap.
const WORDS: usize = size_of::<LessSafeKey>() / size_of::<usize>();

/// Cache lines of those tables that a short packet needs: round keys and the last powers of the hash key.
const LINES: usize = 10;

const LINE_BYTES: usize = 64;

/// Knows where in a key object the pointer is. Nothing depends on its being right but speed.
#[derive(Clone, Copy, Debug)]
pub struct Prefetch {
    word: Option<usize>,
}

impl Prefetch {
    /// Learned from two keys of one kind: the word in which they differ is the pointer.
    #[must_use]
    pub fn learn(one: &LessSafeKey, other: &LessSafeKey) -> Self {
        let mut differing = (0..WORDS).filter(|word| load(one, *word) != load(other, *word));
        let word = differing.next().filter(|_| differing.next().is_none());
        Self { word }
    }

    /// Learned once in this process.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: OnceLock<Prefetch> = OnceLock::new();
        *SHARED.get_or_init(|| {
            let key = || {
                let key = aws_lc_rs::aead::UnboundKey::new(&aws_lc_rs::aead::AES_128_GCM, &[0; 16]);
                key.map(LessSafeKey::new)
            };
            match (key(), key()) {
                (Ok(one), Ok(other)) => Self::learn(&one, &other),
                _ => Self { word: None },
            }
        })
    }

    /// Asks for a key's tables; returns at once.
    pub fn key(self, key: &LessSafeKey) {
        if let Some(word) = self.word {
            let tables = load(key, word);
            for line in 0..LINES {
                fetch(tables.wrapping_add(line * LINE_BYTES));
            }
        }
    }
}

/// One word of a key object. Read by machine code, because in Rust's terms the padding of an object has no value.
#[cfg(target_arch = "x86_64")]
fn load(key: &LessSafeKey, word: usize) -> usize {
    assert!(word < WORDS);
    let value: usize;
    // SAFETY: the word lies within the object, and the code reads memory only.
    #[expect(unsafe_code, reason = "padding cannot be read in safe Rust")]
    unsafe {
        std::arch::asm!(
            "mov {value}, qword ptr [{key} + {word} * 8]",
            value = lateout(reg) value,
            key = in(reg) std::ptr::from_ref(key),
            word = in(reg) word,
            options(nostack, preserves_flags, readonly)
        );
    }
    value
}

#[cfg(target_arch = "x86_64")]
fn fetch(address: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch of any address is a hint that neither faults nor changes anything.
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance::<i8>(address));
    }
}

/// Elsewhere the word is not looked at, so that no two keys differ and nothing is fetched.
#[cfg(not(target_arch = "x86_64"))]
fn load(_: &LessSafeKey, _: usize) -> usize {
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, UnboundKey};

    #[test]
    fn the_pointer_is_found_for_every_kind_of_key_and_keys_stay_as_they_are() {
        let keys = |algorithm, bytes: &[u8]| {
            [0, 1].map(|_| LessSafeKey::new(UnboundKey::new(algorithm, bytes).unwrap()))
        };
        let short = keys(&AES_128_GCM, &[1; 16]);
        let long = keys(&AES_256_GCM, &[2; 32]);
        let words = [&short, &long].map(|[one, other]| Prefetch::learn(one, other).word);
        assert_eq!(words[0], words[1]);
        assert_eq!(words[0].is_some(), cfg!(target_arch = "x86_64"));
        assert_eq!(Prefetch::shared().word, words[0]);
        for key in short.iter().chain(&long) {
            Prefetch::shared().key(key);
            assert!([&AES_128_GCM, &AES_256_GCM].contains(&key.algorithm()));
        }
    }
}
