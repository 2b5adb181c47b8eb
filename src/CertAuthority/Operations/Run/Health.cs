using System.Diagnostics;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>Whether the daemon lives, and whether it could issue a certificate now. The answers name nobody, so anybody may ask.</summary>
internal static class Health
{
    /// <summary>Three rounds of writing the list, which is written every ten minutes.</summary>
    public static readonly TimeSpan OldestList = TimeSpan.FromMinutes(30);

    // The time is recorded every minute, whoever calls.
    private static readonly TimeSpan LongestWithoutCommit = TimeSpan.FromMinutes(5);

    /// <summary>Answers whenever the process can.</summary>
    public static Task<HealthState> Live(Authority ca, GetLiveness ask) => Task.FromResult(new HealthState(HealthState.Live));

    /// <summary>Answers if the daemon could issue a certificate.</summary>
    /// <exception cref="ProblemException">Unavailable: it could not; the faults say why.</exception>
    public static Task<HealthState> Ready(Authority ca, GetReadiness ask) =>
        Faults(ca) is [_, ..] faults
            ? throw new ProblemException(new Problem(ProblemCode.Unavailable, "certificates cannot be issued now", Faults: faults))
            : Task.FromResult(new HealthState(HealthState.Ready));

    /// <summary>
    /// Returns one sentence for each reason against issuing. It reads only what the daemon knows already, and writes nothing.
    /// </summary>
    public static string[] Faults(Authority ca)
    {
        var (now, commits, list) = (ca.Now(), ca.Database.Commits, ca.Krl.Made);
        return
        [
            .. Line(ca.Clock.Step is not null, "the clock does not show the time that it should"),
            .. Line(ca.Checkpoints.Fault is not null, "the audit does not match its last checkpoint"),
            .. Line(ca.Keys.User.Signing.Fault is not null, "the user CA key cannot sign"),
            .. Line(!ca.Database.HasRoom, "the disk is full"),
            .. Line(commits.LastFailed, "the database cannot be written"),
            .. Line(
                Stopwatch.GetElapsedTime(commits.LastAt) > LongestWithoutCommit,
                "nothing was written to the database for 5m; the disk may hang"),
            .. Line(list is null || now - list > OldestList, "the revocation list is older than 30m, or was never written"),
        ];

        static string[] Line(bool isSo, string fault) => isSo ? [fault] : [];
    }
}
