using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>A host that is under the authority.</summary>
/// <param name="Node">The name of its node.</param>
/// <param name="Account">The account with which it was tried.</param>
/// <param name="IsPushed">Whether the daemon writes to it.</param>
/// <param name="KeepsKeys">Whether plain keys open it too.</param>
internal sealed record EnrolledHost(string Node, string Account, bool IsPushed, bool KeepsKeys)
{
    /// <summary>What was seen from outside.</summary>
    public string Words =>
        $"{Node} is enrolled: as {Account}, a certificate for it enters; one for another host and a revoked one do not";

    /// <summary>Reads how the daemon shows the host now.</summary>
    public async Task<NodeStatus> Status(CaClient ca, CancellationToken cancellation) =>
        (await ca.Send(Routes.ListNodes, new ListNodes(Node), cancellation)).Nodes.FirstOrDefault(one => one.Name == Node)
            ?? throw new FailureException($"{Node} was removed meanwhile");
}
