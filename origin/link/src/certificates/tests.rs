//! The development authority, files from a real one, and the names in certificates.

use std::fs;
use std::sync::Barrier;

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::CertificateDer;

use super::name::uri_of;
use super::{NameError, Tls, development, name_in};
use crate::config::Identity;
use crate::tests::support::{Directory, edge, origin};

#[test]
fn processes_that_start_at_once_agree_on_one_authority() {
    let directory = Directory::new();
    let together = Barrier::new(8);
    let authorities: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            together.wait();
            development::credentials(directory.path(), &uri_of(&edge("edge-1")))
                .unwrap()
                .authorities
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(authorities.windows(2).all(|pair| pair[0] == pair[1]));
    let mut left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ca.key", "ca.pem"]);
}

#[cfg(unix)]
#[test]
fn the_authoritys_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    Tls::new(&directory.identity(), &edge("edge-1")).unwrap();
    let mode = fs::metadata(directory.path().join("ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_lost_authority_certificate_is_made_again_from_its_key() {
    let directory = Directory::new();
    Tls::new(&directory.identity(), &edge("edge-1")).unwrap();
    fs::remove_file(directory.path().join("ca.pem")).unwrap();
    Tls::new(&directory.identity(), &edge("edge-1")).unwrap();
}

#[test]
fn a_key_that_is_not_the_authoritys_is_an_error_that_names_the_directory() {
    let directory = Directory::new();
    Tls::new(&directory.identity(), &edge("edge-1")).unwrap();
    let key = KeyPair::generate().unwrap().serialize_pem();
    fs::write(directory.path().join("ca.key"), key).unwrap();
    let error = refusal(&directory.identity());
    assert!(error.contains(directory.path().to_str().unwrap()), "{error}");
    assert!(error.contains("peers would refuse"), "{error}");
}

#[test]
fn broken_development_files_are_errors_that_name_the_file() {
    for file in ["ca.pem", "ca.key"] {
        let directory = Directory::new();
        fs::write(directory.path().join(file), "nonsense").unwrap();
        let error = refusal(&directory.identity());
        assert!(error.contains(file) && error.contains("in PEM"), "{error}");
    }
}

#[test]
fn certificates_from_files_work_and_each_fault_names_its_file() {
    let directory = Directory::new();
    let identity = files(&directory, "stoa://edge/ams/edge-1");
    Tls::new(&identity, &edge("edge-1")).unwrap();

    for file in ["authority.pem", "node.pem", "node.key"] {
        let path = directory.path().join(file);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let missing = refusal(&identity);
        assert!(missing.contains(file) && missing.contains("No such file"), "{missing}");
        fs::write(&path, "nonsense").unwrap();
        let broken = refusal(&identity);
        assert!(broken.contains(file), "{broken}");
        fs::write(&path, good).unwrap();
    }
    fs::write(directory.path().join("node.key"), KeyPair::generate().unwrap().serialize_pem())
        .unwrap();
    let foreign_key = refusal(&identity);
    assert!(foreign_key.contains("do not fit together"), "{foreign_key}");
}

#[test]
fn a_certificate_for_another_node_is_refused_at_start_with_both_names() {
    let directory = Directory::new();
    let identity = files(&directory, "stoa://origin/ams/edge-1");
    let error = refusal(&identity);
    assert!(error.contains("names stoa://origin/ams/edge-1"), "{error}");
    assert!(error.contains("configured as stoa://edge/ams/edge-1"), "{error}");
}

#[test]
fn exactly_one_node_must_stand_in_a_certificate() {
    let named = |uris: &[&str]| name_in(&[self_signed(uris)]);
    let name = named(&["https://example.org", "stoa://origin/ams/origin-1"]).unwrap();
    assert_eq!(name, origin("origin-1"));
    assert!(matches!(named(&[]), Err(NameError::Unnamed)));
    assert!(matches!(named(&["https://example.org"]), Err(NameError::Unnamed)));
    let two = named(&["stoa://edge/ams/edge-1", "stoa://edge/ams/edge-2"]);
    assert!(matches!(two, Err(NameError::Ambiguous)));
    assert!(matches!(named(&["stoa://king/ams/edge-1"]), Err(NameError::Identity(_))));
    assert!(matches!(name_in(&[]), Err(NameError::Missing)));
    let garbage = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
    assert!(matches!(name_in(&[garbage]), Err(NameError::Malformed(_))));
}

fn refusal(identity: &Identity) -> String {
    match Tls::new(identity, &edge("edge-1")) {
        Ok(_) => panic!("these credentials should be refused"),
        Err(error) => format!("{error:#}"),
    }
}

fn self_signed(uris: &[&str]) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(vec!["stoa.mesh".to_owned()]).unwrap();
    for uri in uris {
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(*uri).unwrap()));
    }
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

/// What an operator's own authority would issue, as files.
fn files(directory: &Directory, uri: &str) -> Identity {
    let issued = development::credentials(directory.path(), uri).unwrap();
    let path = |file: &str| directory.path().join(file);
    fs::rename(path("ca.pem"), path("authority.pem")).unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
    };
    fs::write(path("node.pem"), pem("CERTIFICATE", &issued.chain[0])).unwrap();
    fs::write(path("node.key"), pem("PRIVATE KEY", issued.key.secret_der())).unwrap();
    Identity::Files {
        authority: path("authority.pem"),
        certificate: path("node.pem"),
        key: path("node.key"),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        let digit = |index: usize| match index <= chunk.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * index) & 63) as usize]),
            false => '=',
        };
        [digit(0), digit(1), digit(2), digit(3)]
    };
    bytes.chunks(3).flat_map(digits).collect()
}
