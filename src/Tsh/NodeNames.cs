using System.Net;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>What people type for a node: its name in any case, or its address.</summary>
internal static class NodeNames
{
    /// <summary>The name of the node that somebody means, within reach or a request away; null when there is none.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="ca">Lists the nodes.</param>
    /// <param name="user">As which user.</param>
    /// <param name="cancellation">Cancels the question to the daemon.</param>
    /// <exception cref="FailureException">Several nodes have this address.</exception>
    public static async Task<string?> Resolve(string typed, CaClient ca, string? user, CancellationToken cancellation)
    {
        NodeList list;
        try
        {
            list = await ca.Send(Routes.ListMyNodes, new ListMyNodes(user), cancellation);
        }
        catch (ProblemException)
        {
            // The user reaches nothing, and has been told so.
            return null;
        }
        var name = Matches(typed, list.Nodes, node => node.Name, node => node.Address) switch
        {
            [var one] => one.Name,
            [] => list.Requestable.FirstOrDefault(node => node.Name.Equals(typed, StringComparison.OrdinalIgnoreCase))?.Name,
            var several => throw new FailureException(
                $"{typed} is the address of several of your nodes: {string.Join(", ", several.Select(node => node.Name))}",
                $"name one of them: tsh ssh LOGIN@{several[0].Name}"),
        };
        if (name is not null)
            PlainNames.CheckNode(name);
        return name;
    }

    /// <summary>
    /// The nodes that a text means: the one of that name, in any case, or else all that have the address, with or without the port.
    /// </summary>
    public static IReadOnlyList<T> Matches<T>(string typed, IReadOnlyCollection<T> nodes, Func<T, string> name, Func<T, string> address)
    {
        List<T> named = [.. nodes.Where(node => name(node).Equals(typed, StringComparison.OrdinalIgnoreCase))];
        return named is not [] ? named : [.. nodes.Where(node => IsSame(typed, address(node)))];
    }

    private static bool IsSame(string typed, string address) =>
        typed.Equals(address, StringComparison.OrdinalIgnoreCase)
        || (SshArguments.TryEndpoint(address) is var (host, _) && Canonical(typed) == Canonical(host));

    private static string Canonical(string host) =>
        IPAddress.TryParse(host, out var address) ? address.ToString() : host.TrimEnd('.').ToLowerInvariant();
}
