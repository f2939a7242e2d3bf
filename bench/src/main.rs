//! `bench`: see `bench --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    stoa_bench::cli::main()
}
