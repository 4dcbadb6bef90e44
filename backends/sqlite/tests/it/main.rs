//! What the store promises, tested through the trait.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod filter_oracle;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod uniqueness;
#[cfg(test)]
mod writes;
