using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Shows who could enter a host before plain keys open it no more, so that nobody is locked out by surprise.</summary>
internal static class EntrantsOfNode
{
    /// <summary>Names those who could enter.</summary>
    public static void Show(NodePlan plan, string node, Action<string> say)
    {
        foreach (var one in plan.Entrants)
        {
            var users = Wording.Some(one.Users);
            say(
                one.OnRequest
                    ? $"who can ask to enter {node}: {users} (role {one.Role})"
                    : $"who can enter {node} as {one.Login}: {users} (role {one.Role})");
        }
    }

    /// <summary>Names those who could enter a host that joins, and asks whether to go on if nobody could.</summary>
    /// <param name="parsed">The command.</param>
    /// <param name="ca">The daemon.</param>
    /// <param name="node">The name of the node, or a pattern for names.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="isSure">Whether to go on without a question.</param>
    /// <param name="cancellation">Cancels when the user interrupts it.</param>
    /// <exception cref="FailureException">Nobody could enter, and the user does not go on.</exception>
    public static async Task Confirm(
        ParseResult parsed, CaClient ca, string node, Dictionary<string, string> labels, bool isSure, CancellationToken cancellation)
    {
        var plan = await ca.Send(
            Routes.PlanNode, new PlanNode(node.Replace("*", "any", StringComparison.Ordinal), labels, "", ""), cancellation);
        Show(plan, node, parsed.Say);
        if (plan.Entrants.Length > 0 || isSure)
            return;
        var nobody = Nobody(node, "once it has joined");
        if (!Prompt.IsPossible)
            throw nobody;
        parsed.Say(nobody.Message);
        if (await Prompt.Line(parsed, "go on? [yes/no] ", cancellation) is not ("yes" or "y"))
            throw new FailureException("nothing was changed");
    }

    /// <summary>The refusal for a host that nobody could enter.</summary>
    /// <param name="node">The name of the node.</param>
    /// <param name="when">When plain keys open it no more.</param>
    public static FailureException Nobody(string node, string when) => new(
        $"nobody could enter {node}: no role opens it for any user, and plain keys open nothing there {when}",
        "create a role for its labels first, or go on with --yes; tctl access explain USER --node=NODE says why a user cannot enter");
}
