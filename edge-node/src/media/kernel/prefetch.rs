//! Brings memory into the cache before it is needed.

const LINE_BYTES: usize = 64;

/// Asks for an object; returns at once, and changes nothing but speed.
pub fn prefetch<T>(object: &T) {
    for offset in (0..size_of::<T>()).step_by(LINE_BYTES) {
        fetch(std::ptr::from_ref(object).addr().wrapping_add(offset));
    }
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

/// Elsewhere the processor's own guesses must do.
#[cfg(not(target_arch = "x86_64"))]
fn fetch(_: usize) {}
