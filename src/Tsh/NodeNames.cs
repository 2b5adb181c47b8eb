using System.Net;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Resolves what people type for a node: its name in any case, or its address.</summary>
internal static class NodeNames
{
    /// <summary>
    /// Returns the name of the node that the text means, among those that the user can reach or request; null if there is none.
    /// </summary>
    /// <param name="typed">The text as the user typed it.</param>
    /// <param name="ca">The daemon, which lists the nodes.</param>
    /// <param name="user">The user to act as.</param>
    /// <param name="cancellation">Cancels the call to the daemon.</param>
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
            // The user reaches nothing, and has already seen a message about it.
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
    /// Returns the nodes that a text means: the one with that name, in any case, or otherwise all nodes with the address, with or without
    /// the port.
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
