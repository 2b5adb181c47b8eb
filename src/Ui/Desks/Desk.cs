using CertAuthority.Protocol;

namespace CertAuthority.Ui.Desks;

/// <summary>
/// What the page may do: exactly the calls of the protocol that the person who started it could make in the terminal, and the command line
/// of each.
/// </summary>
public abstract class Desk
{
    /// <summary>The most requests on one screen, each of them with its facts.</summary>
    internal const int OnOneScreen = 20;

    private protected Desk(CaClient ca) => Ca = ca;

    private protected CaClient Ca { get; }

    /// <summary>The command that started the page: <c>tsh</c>, or <c>tctl</c>.</summary>
    internal abstract string Program { get; }

    /// <summary>As whom the page acts.</summary>
    internal abstract Task<string> Who(CancellationToken cancellation);

    /// <summary>Lists the requests that wait for this person, newest first.</summary>
    internal abstract Task<RequestList> Waiting(string? after, int limit, CancellationToken cancellation);

    /// <summary>Counts the requests that wait for this person, in the words of the badge: <c>3</c>, <c>100+</c>; empty for none.</summary>
    internal abstract Task<string> CountWaiting(CancellationToken cancellation);

    /// <summary>
    /// Whether the daemon would accept a denial of a pending request from this person, who may not be able to approve it.
    /// </summary>
    internal abstract Task<bool> MayDeny(RequestResource request, CancellationToken cancellation);

    /// <summary>Reads a request with its facts.</summary>
    /// <param name="id">Its ID.</param>
    /// <param name="allHosts">Whether the facts name every host.</param>
    /// <param name="of">How much of it would be approved; null for all.</param>
    /// <param name="cancellation">Cancels the call.</param>
    internal abstract Task<RequestResource> Request(
        string id, bool allHosts = false, Approval? of = null, CancellationToken cancellation = default);

    /// <summary>Approves a request, or less than it asks for.</summary>
    internal abstract Task<RequestResolved> Approve(string id, string reason, Approval of, CancellationToken cancellation);

    /// <summary>Denies a request.</summary>
    internal abstract Task<RequestResolved> Deny(string id, string reason, CancellationToken cancellation);

    /// <summary>Lists a page of requests that match a search, newest first.</summary>
    internal abstract Task<RequestList> History(Search search, int limit, CancellationToken cancellation);

    /// <summary>Lists the certificates that were issued under a request, as far as this person may see them.</summary>
    internal abstract Task<CertificateInfo[]> Certificates(string request, CancellationToken cancellation);

    /// <summary>Lists what the audit has about a request, oldest first; empty for somebody who may not read it.</summary>
    internal virtual Task<AuditEntry[]> Audit(string request, CancellationToken cancellation) => Task.FromResult<AuditEntry[]>([]);

    /// <summary>The command that lists what waits.</summary>
    internal abstract string WaitingCommand { get; }

    /// <summary>The command that shows a request.</summary>
    internal abstract string ShowCommand(string id);

    /// <summary>The command that approves a request.</summary>
    /// <param name="id">Its ID.</param>
    /// <param name="of">How much of it; null for all.</param>
    internal abstract string ApproveCommand(string id, Approval? of = null);

    /// <summary>The command that denies a request.</summary>
    internal abstract string DenyCommand(string id);

    /// <summary>The command that searches like the page.</summary>
    internal abstract string HistoryCommand(Search search);

    /// <summary>Returns the steps that the daemon suggests, with the commands of the program.</summary>
    public required Func<NextStep[]?, IEnumerable<string>> Show { get; init; }

    private protected static string Option(string name, string? value) => value is null ? "" : $" --{name}={value}";

    private protected static string Option(string name, string[]? values) =>
        values is [_, ..] ? Option(name, string.Join(',', values)) : "";
}
