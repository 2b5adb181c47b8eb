using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The hosts.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Hosts">The hosts that match.</param>
/// <param name="All">How many there are.</param>
/// <param name="Words">The words that were searched for.</param>
/// <param name="Now">The time.</param>
public sealed record HostsModel(AdministratorDesk Desk, IReadOnlyList<NodeStatus> Hosts, int All, string Words, DateTimeOffset Now);

/// <summary>Shows the hosts.</summary>
internal static class Hosts
{
    // A screen of rows; a person finds one host by a word rather than by reading thousands.
    private const int Most = 200;

    public static async Task<Answer> Show(Visit visit)
    {
        var words = visit.Query["q"] ?? "";
        var all = await visit.Administrator.Hosts(visit.Cancellation);
        var some = all.Where(host => words.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(word => Has(host, word)))
            .OrderByDescending(host => host.Sync?.Failure is not null).Take(Most).ToList();
        return new Answer.Page(
            "Hosts", "/hosts", AdministratorDesk.HostsCommand,
            Html.Part<HostsView, HostsModel>(new HostsModel(visit.Administrator, some, all.Length, words, visit.Now)));
    }

    private static bool Has(NodeStatus host, string word) =>
        $"{host.Name} {host.Address} {string.Join(' ', host.Labels.Select(label => $"{label.Key}={label.Value}"))}"
            .Contains(word, StringComparison.OrdinalIgnoreCase);
}
