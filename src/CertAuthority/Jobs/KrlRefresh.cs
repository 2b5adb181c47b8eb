using CertAuthority.Revocation;

namespace CertAuthority.Jobs;

/// <summary>
/// Writes the revocation list anew from time to time: serials leave it a day after their end, and a host can tell a fresh
/// list from one that nobody looks after any more.
/// </summary>
internal static class KrlRefresh
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    /// <summary>Until stopped. The publisher itself logs why a list could not be written, and tries again.</summary>
    public static Task Run(KrlPublisher krl, TimeProvider clock, CancellationToken stopping) => Periodic.Run(Every, atOnce: false, clock, krl.Publish, _ => { }, stopping);
}
