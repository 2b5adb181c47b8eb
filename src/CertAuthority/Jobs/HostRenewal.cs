using CertAuthority.Access;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>Signs host certificates anew in the last third of their life, and when the address of their node has changed, for the key and the time that they had, and keeps them where hosts fetch.</summary>
internal static class HostRenewal
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    /// <summary>At once, and then again and again until stopped.</summary>
    /// <param name="ca">What operations work on now.</param>
    /// <param name="log">Where failures are told.</param>
    /// <param name="stopping">Stops.</param>
    public static Task Run(Func<Ca> ca, ILogger log, CancellationToken stopping) => Periodic.Run(
        Every, atOnce: true, ca().Clock,
        async () =>
        {
            await RenewAll(ca());
            Nodes.PublishCertificates(ca());
        },
        e => log.LogWarning("host certificates are not renewed, or not where hosts fetch them: {Why}", Printable.Escape(e.Message)), stopping);

    /// <summary>Renews those that are due; one that has ended too, for its host may still ask.</summary>
    internal static async Task RenewAll(Ca ca)
    {
        var now = ca.Now();
        var due = ca.Database.Read(snapshot =>
        {
            var certificates = snapshot.HostCertificates();
            return snapshot.Policy().Nodes.Values.Where(node => certificates.TryGetValue(node.Id, out var one) && HostCertification.IsDue(node, one.Principals, one.Issued, one.ValidBefore, now))
                .Select(node => certificates[node.Id]).ToList();
        });
        foreach (var one in due)
            try
            {
                await Nodes.Certify(ca, Caller.Daemon, one.NodeName, Certificate.Parse(one.Certificate).Key, one.ValidBefore - one.Issued);
            }
            catch (ProblemException gone) when (gone.Problem.Code == ProblemCode.NotFound)
            {
                // The node was removed meanwhile.
            }
    }
}
