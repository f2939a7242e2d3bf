//! An AES-GCM key that lies where it is put, and not behind a pointer as the library's own type does.
//!
//! It is the library's context all the same, made and used by its functions. A context of AES-GCM holds no
//! pointer to itself and owns nothing, so it may be moved like any value; the library copies it the same way.

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{
    EVP_AEAD_CTX, EVP_AEAD_CTX_init, EVP_AEAD_CTX_seal_scatter, EVP_AEAD_CTX_zero,
    EVP_aead_aes_128_gcm, EVP_aead_aes_256_gcm, OPENSSL_cleanse,
};

const TAG_BYTES: usize = 16;

/// A key for sealing. Aligned to cache lines: some of the library's code wants 16 bytes.
#[repr(align(64))]
pub struct SealKey {
    context: EVP_AEAD_CTX,
}

// SAFETY: a context of AES-GCM owns plain memory that is bound to no thread.
#[expect(unsafe_code, reason = "the library's type holds a pointer to a constant table")]
unsafe impl Send for SealKey {}

impl SealKey {
    /// From 16 or 32 bytes; `None` for any other length, or when the library refuses the key.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        let mut context = MaybeUninit::uninit();
        // SAFETY: the tables of algorithms live as long as the process; `zero` makes the context a valid one,
        // `init` reads as many bytes of the key as it is told.
        #[expect(unsafe_code, reason = "the library is written in C")]
        unsafe {
            let algorithm = match key.len() {
                16 => EVP_aead_aes_128_gcm(),
                32 => EVP_aead_aes_256_gcm(),
                _ => return None,
            };
            EVP_AEAD_CTX_zero(context.as_mut_ptr());
            let mut sealing = Self { context: context.assume_init() };
            let (bytes, length) = (key.as_ptr(), key.len());
            let context = &raw mut sealing.context;
            let done =
                EVP_AEAD_CTX_init(context, algorithm, bytes, length, TAG_BYTES, ptr::null_mut());
            (done == 1).then_some(sealing)
        }
    }

    /// Seals `in_out` in place and writes the tag; says whether it could.
    #[must_use]
    pub fn seal(
        &self,
        nonce: &[u8; 12],
        additional: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8; TAG_BYTES],
    ) -> bool {
        let mut tag_bytes = 0;
        // SAFETY: every pointer comes with the length of what it points to; input and output may be the same.
        #[expect(unsafe_code, reason = "the library is written in C")]
        let done = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                &raw const self.context,
                in_out.as_mut_ptr(),
                tag.as_mut_ptr(),
                &raw mut tag_bytes,
                tag.len(),
                nonce.as_ptr(),
                nonce.len(),
                in_out.as_ptr(),
                in_out.len(),
                ptr::null(),
                0,
                additional.as_ptr(),
                additional.len(),
            )
        };
        done == 1 && tag_bytes == TAG_BYTES
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        let bytes = size_of::<EVP_AEAD_CTX>();
        // SAFETY: the context is ours, owns nothing, and is not used again.
        #[expect(unsafe_code, reason = "the library is written in C")]
        unsafe {
            OPENSSL_cleanse((&raw mut self.context).cast(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::SealKey;

    #[test]
    fn it_seals_as_the_librarys_own_type_wherever_it_was_moved() {
        for (algorithm, length) in [(&AES_128_GCM, 16), (&AES_256_GCM, 32)] {
            let bytes: Vec<u8> = (7..7 + length).collect();
            let theirs = LessSafeKey::new(UnboundKey::new(algorithm, &bytes).unwrap());
            let mut keys: Vec<SealKey> = Vec::new();
            // Each time the vector grows, all of them move.
            for round in 0..40 {
                keys.push(SealKey::new(&bytes).unwrap());
                let plain = vec![round; usize::from(round) * 9];
                let (mut ours, mut expected, mut tag) = (plain.clone(), plain, [0; 16]);
                assert!(keys[0].seal(&[round; 12], b"head", &mut ours, &mut tag));
                let nonce = Nonce::assume_unique_for_key([round; 12]);
                let aad = Aad::from(b"head");
                let wanted = theirs.seal_in_place_separate_tag(nonce, aad, &mut expected).unwrap();
                assert_eq!((&ours, &tag[..]), (&expected, wanted.as_ref()));
            }
        }
        assert!(SealKey::new(&[0; 24]).is_none() && SealKey::new(&[]).is_none());
    }
}
