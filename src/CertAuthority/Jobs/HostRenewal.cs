using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Renews host certificates in the last third of their lifetime, and when the address of their node has changed or their CA key is no
/// longer trusted, for the same key and lifetime, and keeps them in the directory from which hosts fetch.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="log">Gets a line about each failure.</param>
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

    /// <summary>Renews the certificates that are due, including expired ones, because their host may still fetch.</summary>
    internal static async Task RenewAll(Authority ca)
    {
        var now = ca.Now();
        var due = ca.Database.Read(snapshot =>
        {
            var (certificates, locks) = (snapshot.HostCertificates(), snapshot.Policy().LocksAt(now));
            // The certificate of a locked node is renewed when the lock is gone.
            return snapshot.Policy().Nodes.Values.Where(
                node => locks.On(LockKind.Node, node.Name) is null && certificates.TryGetValue(node.Id, out var one)
                    && (!ca.Keys.Host.Ids.Contains(one.CaKeyId)
                        || HostCertification.IsDue(node, one.Principals, one.Issued, one.ValidBefore, now)))
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
