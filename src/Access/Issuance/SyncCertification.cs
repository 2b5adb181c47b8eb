using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one certificate by which the daemon enters hosts to write there. Only <see cref="SyncCertification"/> makes one.
/// </summary>
public sealed class SyncGrant
{
    internal SyncGrant(Validity validity) => Validity = validity;

    /// <summary>Valid when.</summary>
    public Validity Validity { get; }
}

/// <summary>What the daemon's own certificates say, by which it writes to hosts what their sshd goes by.</summary>
public static class SyncCertification
{
    /// <summary>How far it is valid to both sides of its issue: a host whose clock is wrong must still be written to.</summary>
    public static readonly TimeSpan Around = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan UsedFor = TimeSpan.FromMinutes(5);

    /// <summary>The certificate of this moment.</summary>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static SyncGrant Decide(DateTimeOffset now) => new(new Validity(now - Around, now + Around, "writing to hosts"));

    /// <summary>Whether one is used no more; the clock may have been set back too.</summary>
    /// <param name="issued">When it was issued.</param>
    /// <param name="now">The instant of the question.</param>
    public static bool IsWorn(DateTimeOffset issued, DateTimeOffset now) => now < issued || now - issued >= UsedFor;
}
