//! What the store promises, tested through the trait: the contract of all stores in `contract`, the
//! rest of what this one says in the others.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod sweep;
#[cfg(all(test, not(feature = "rustls")))]
mod tls;
