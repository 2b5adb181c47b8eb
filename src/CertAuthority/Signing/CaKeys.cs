using System.Collections.Immutable;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>
/// The keys of one purpose. One of them signs. Hosts and clients trust all of them, so that another one can sign without locking anybody
/// out.
/// </summary>
/// <param name="Signing">The key that signs.</param>
/// <param name="Others">The public halves of the other trusted keys: those that signed before, and those that will sign next.</param>
internal sealed record CaKeys(CaKey Signing, ImmutableArray<SignatureKey> Others)
{
    /// <summary>The IDs under which records name the trusted keys, in their order; empty before the start of a run.</summary>
    public ImmutableArray<long> Ids { get; init; } = [];

    /// <summary>The ID of the key that signs.</summary>
    public long SigningId => Ids[0];

    /// <summary>The certificates that these keys sign.</summary>
    public CaPurpose Purpose => Signing.Signs;

    /// <summary>The public halves of all keys that hosts or clients trust; that of the signing key comes first.</summary>
    public ImmutableArray<SignatureKey> Trusted { get; } = [Signing.PublicKey, .. Others];

    /// <summary>The trusted keys as lines of a file, without line endings.</summary>
    public string[] Lines { get; } = [.. Others.Prepend(Signing.PublicKey).Select(key => key.ToLine(Signing.Signs.Title()))];

    /// <summary>The fingerprints of the trusted keys.</summary>
    public string[] Fingerprints { get; } = [.. Others.Prepend(Signing.PublicKey).Select(Fingerprint.Compute)];

    /// <summary>Returns whether the key is one of the trusted ones.</summary>
    public bool Trusts(PublicKey key) => Trusted.Any(trusted => trusted == key);
}

/// <summary>All keys of an authority.</summary>
/// <param name="User">The keys that sign user certificates.</param>
/// <param name="Host">
/// The keys that sign host certificates. None of them is ever a user CA key: hosts trust those for users, so a host certificate signed by
/// one would open them.
/// </param>
/// <param name="Sync">The keys that sign the certificates with which the daemon logs in on hosts.</param>
internal sealed record KeyRing(CaKeys User, CaKeys Host, CaKeys Sync)
{
    /// <summary>The keys of each purpose.</summary>
    public ImmutableArray<CaKeys> All => [User, Host, Sync];

    /// <summary>Names which of the authority's own keys the key is, such as <c>user CA key</c>; null if it is none of them.</summary>
    public string? Owns(PublicKey key) => All.FirstOrDefault(keys => keys.Trusts(key)) is { } own ? $"{own.Purpose.Title()} key" : null;
}
