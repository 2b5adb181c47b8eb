using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Signs host certificates anew in the last third of their life, and when the address of their node has changed, for the key and the time
/// that they had, and keeps them where hosts fetch.
/// </summary>
/// <param name="ca">What operations work on.</param>
/// <param name="log">Where failures are logged.</param>
internal sealed class HostRenewal(CurrentAuthority ca, ILogger log) : Periodic(TimeSpan.FromMinutes(10), ca.Clock)
{
    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        await RenewAll(ca.Now);
        Nodes.PublishCertificates(ca.Now);
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("host certificates are not renewed, or not where hosts fetch them: {Why}", Printable.Escape(error.Message));

    /// <summary>Renews those that are due; one that has ended too, for its host may still ask.</summary>
    internal static async Task RenewAll(Authority ca)
    {
        var now = ca.Now();
        var due = ca.Database.Read(snapshot =>
        {
            var (certificates, locks) = (snapshot.HostCertificates(), snapshot.Policy().LocksAt(now));
            // One that is locked is renewed when it no longer is.
            return snapshot.Policy().Nodes.Values.Where(
                node => locks.On(LockKind.Node, node.Name) is null && certificates.TryGetValue(node.Id, out var one)
                    && HostCertification.IsDue(node, one.Principals, one.Issued, one.ValidBefore, now))
                .Select(node => certificates[node.Id]).ToList();
        });
        foreach (var one in due)
            try
            {
                await Nodes.Certify(ca, Caller.Daemon, one.NodeName, Certificate.Parse(one.Certificate).Key, one.ValidBefore - one.Issued);
            }
            catch (ProblemException gone) when (gone.Problem.Code is ProblemCode.NotFound or ProblemCode.Denied)
            {
                // The node was removed or locked meanwhile.
            }
    }
}
