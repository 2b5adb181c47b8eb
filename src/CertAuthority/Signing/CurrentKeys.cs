namespace CertAuthority.Signing;

/// <summary>
/// The CA keys in force. A rotation replaces them while the daemon runs, inside its transaction, which no other one overlaps: what a
/// transaction reads here is what its records name.
/// </summary>
internal sealed class CurrentKeys(KeyRing atStart)
{
    private volatile KeyRing now = atStart;

    /// <summary>The keys. Take them once for whatever must fit together: a record and its signature.</summary>
    public KeyRing Now { get => now; set => now = value; }
}
