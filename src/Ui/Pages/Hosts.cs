using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The hosts, a page at a time.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Hosts">The hosts of this page.</param>
/// <param name="Words">The words that were searched for.</param>
/// <param name="IsFailing">Whether only hosts with an error are listed.</param>
/// <param name="Next">The place of the next page; null if there is none.</param>
/// <param name="Now">The time.</param>
public sealed record HostsModel(
    AdministratorDesk Desk, IReadOnlyList<NodeStatus> Hosts, string Words, bool IsFailing, string? Next, DateTimeOffset Now)
{
    /// <summary>The path that lists the next page.</summary>
    public string NextLink =>
        $"/hosts?q={Uri.EscapeDataString(Words)}{(IsFailing ? "&failing=yes" : "")}&after={Uri.EscapeDataString(Next ?? "")}";
}

/// <summary>Shows the hosts.</summary>
internal static class Hosts
{
    private const int OnOnePage = 50;

    public static async Task<Answer> Show(Visit visit)
    {
        var (words, failing) = (visit.Query["q"] ?? "", visit.Query.Has("failing"));
        var ask = new ListNodes(words.Length > 0 ? words : null, failing, OnOnePage, visit.Query["after"]);
        var page = await visit.Administrator.Hosts(ask, visit.Cancellation);
        return new Answer.Page(
            "Hosts", "/hosts", AdministratorDesk.HostsCommand(words, failing),
            Html.Part<HostsView, HostsModel>(
                new HostsModel(visit.Administrator, page.Nodes, words, failing, page.Next, visit.Now)));
    }
}
