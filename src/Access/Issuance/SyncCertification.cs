using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one certificate by which the daemon enters hosts to write there. Only <see cref="SyncCertification"/> makes one.
/// </summary>
public sealed class SyncGrant
{
    internal SyncGrant(Validity validity, string principal) => (Validity, Principal) = (validity, principal);

    /// <summary>The account that it opens: the one that writes, or the one that passes jump hosts.</summary>
    public string Principal { get; }

    /// <summary>Whether it permits forwarding.</summary>
    public bool Forwards => Principal == Names.JumpLogin;

    /// <summary>The validity of the certificate.</summary>
    public Validity Validity { get; }
}

/// <summary>Decides the content of the daemon's own certificates, which it uses to write sshd's files to hosts.</summary>
public static class SyncCertification
{
    /// <summary>
    /// How far the validity extends before and after the time of issue, so that the daemon can still write to a host whose clock is wrong.
    /// </summary>
    public static readonly TimeSpan Around = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan UsedFor = TimeSpan.FromMinutes(5);

    /// <summary>Decides the certificate for this moment.</summary>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static SyncGrant Decide(DateTimeOffset now) => new(Lasting(now), Names.DaemonsLogin);

    /// <summary>Decides the certificate with which the daemon passes jump hosts at this moment.</summary>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static SyncGrant DecideForJumps(DateTimeOffset now) => new(Lasting(now), Names.JumpLogin);

    private static Validity Lasting(DateTimeOffset now) => new(now - Around, now + Around, "writing to hosts");

    /// <summary>Whether a certificate must no longer be used. This also covers a clock that was set back.</summary>
    /// <param name="issued">When it was issued.</param>
    /// <param name="now">The instant of the check.</param>
    public static bool IsWorn(DateTimeOffset issued, DateTimeOffset now) => now < issued || now - issued >= UsedFor;
}
