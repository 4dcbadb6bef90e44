//! The backend contract, check by check, over the memory backend.

use std::process::ExitCode;

use scim_conformance::backend::Contract;
use scim_server_adapters::MemoryBackend;

fn main() -> ExitCode {
    Contract::with_events(|| async { MemoryBackend::new() }).main()
}
