namespace CertAuthority.Store;

/// <summary>Which revocation list a daemon has in place.</summary>
/// <param name="Version">Its version; 0 for none.</param>
/// <param name="Failure">Why it has no newer one; null if nothing is in the way.</param>
/// <param name="FailingSince">Since when that is so, in whole seconds; null if nothing is in the way.</param>
internal sealed record ListState(ulong Version, string? Failure = null, DateTimeOffset? FailingSince = null);
