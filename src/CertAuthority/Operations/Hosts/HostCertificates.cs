using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Keeps the certificates of hosts fresh.</summary>
internal static class HostCertificates
{
    /// <summary>
    /// Renews the certificates that are due, including expired ones, because their host may still fetch, and those of a key that no longer
    /// signs; then publishes them.
    /// </summary>
    /// <exception cref="ProblemException">Some certificate could not be renewed. All others were.</exception>
    public static async Task Renew(Authority ca)
    {
        var refused = await RenewAll(ca);
        Nodes.PublishCertificates(ca);
        if (refused is not null)
            throw refused;
    }

    /// <summary>Renews those certificates without publishing them.</summary>
    /// <returns>Why the first that could not be renewed was not; null for none.</returns>
    internal static async Task<ProblemException?> RenewAll(Authority ca)
    {
        ProblemException? first = null;
        var now = ca.Now();
        var due = ca.Database.Read(snapshot =>
        {
            var (certificates, locks) = (snapshot.HostCertificates(), snapshot.Policy().LocksAt(now));
            // The certificate of a locked node is renewed when the lock is gone, and that of a node that has ended never.
            return snapshot.Policy().Nodes.Values.Where(
                node => locks.On(LockKind.Node, node.Name) is null && !node.IsOver(now) && certificates.TryGetValue(node.Id, out var one)
                    && (ca.Keys.Host.SigningId != one.CaKeyId
                        || HostCertification.IsDue(node, one.Principals, one.Issued, one.ValidBefore, now)))
                .Select(node => certificates[node.Id]).ToList();
        });
        await ca.Stuck.Each("a host certificate is not renewed", due, one => one.NodeName, async one =>
        {
            try
            {
                await Nodes.Certify(ca, Caller.Daemon, one.NodeName, Certificate.Parse(one.Certificate).Key, one.ValidBefore - one.Issued);
            }
            catch (ProblemException gone) when (gone.Problem.Code is ProblemCode.NotFound or ProblemCode.Denied)
            {
                // The node was removed or locked meanwhile.
            }
            catch (ProblemException refused) when (ca.Keys.Host.Signing.Fault is null)
            {
                // The key signs, but not this one: whoever keeps it has limits. The others are not affected.
                first ??= refused;
            }
        });
        return first;
    }
}
