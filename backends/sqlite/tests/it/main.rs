//! What the store promises, tested through the trait: the contract of all stores in `contract`, the
//! rest of what this one says in the others.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod large_groups;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod references;
#[cfg(test)]
mod uniqueness;
