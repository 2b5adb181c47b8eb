using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>The requests that were approved in a period, put together from the entries of the audit, oldest first.</summary>
/// <param name="period">The times of the report.</param>
internal sealed class Grants(ReportPeriod period)
{
    private readonly Dictionary<string, (AuditEntry? Created, List<VoteRow> Votes)> pending = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GrantRow> approved = new(StringComparer.Ordinal);

    /// <summary>The approved requests whose filing is not among the entries: they were filed before these begin.</summary>
    public IEnumerable<string> WithoutFiling => approved.Values.Where(grant => grant.Filed is null).Select(grant => grant.Request);

    /// <summary>Adds an entry.</summary>
    public void Take(AuditEntry entry)
    {
        foreach (var request in entry.Event == "certificate.issued" ? entry.Requests ?? [] : [])
            if (approved.TryGetValue(request, out var used))
                approved[request] = used with
                {
                    Certificates = used.Certificates + 1,
                    FirstUsed = used.FirstUsed ?? Wording.Time(entry.Time),
                };
        if (entry.Request is not { } id || !entry.Event.StartsWith("request.", StringComparison.Ordinal))
            return;
        var known = pending.GetValueOrDefault(id, (null, []));
        switch (entry.Event)
        {
            case "request.created":
                pending[id] = (entry, known.Votes);
                break;
            case "request.reviewed":
                known.Votes.Add(new VoteRow(
                    Wording.Time(entry.Time), entry.Reviewer ?? "", entry.DescribeActor(), entry.Vote ?? "", entry.Reason ?? ""));
                pending[id] = known;
                break;
            case "request.approved":
                pending.Remove(id);
                if (period.Has(entry.Time))
                    approved[id] = Approved(entry, id, known.Created, known.Votes);
                break;
            case "request.denied" or "request.cancelled" or "request.removed":
                pending.Remove(id);
                if (approved.TryGetValue(id, out var ended) && ended.Ended is null)
                    approved[id] = ended with
                    {
                        Ended = $"{entry.Event["request.".Length..]} {Wording.Time(entry.Time)} by {entry.DescribeActor()}"
                            + (entry.Reason is { Length: > 0 } why ? $": {why}" : ""),
                    };
                break;
            case "request.shortened" when approved.TryGetValue(id, out var longer) && entry.ValidBefore is { } earlier:
                approved[id] = longer with { AccessUntil = Wording.Time(earlier) };
                break;
        }
    }

    /// <summary>Replaces what is known of a request by what all of its entries say.</summary>
    public void Complete(string request, Grants whole)
    {
        if (whole.approved.TryGetValue(request, out var grant))
            approved[request] = grant;
    }

    /// <summary>Returns the grants in the order in which they were approved.</summary>
    public GrantRow[] Rows() =>
    [
        .. approved.Values.OrderBy(grant => grant.Approved, StringComparer.Ordinal).ThenBy(grant => grant.Request, StringComparer.Ordinal),
    ];

    private static GrantRow Approved(AuditEntry entry, string id, AuditEntry? created, List<VoteRow> votes) => new()
    {
        Request = id,
        User = entry.User ?? "",
        Asked = entry.Asked ?? [],
        Granted = entry.Granted ?? [],
        Resources = entry.Resources ?? [],
        Reason = created is null ? null : created.Reason ?? "",
        Filed = created is null ? null : Wording.Time(created.Time),
        FiledBy = created?.DescribeActor(),
        Votes = [.. votes],
        Approved = Wording.Time(entry.Time),
        ApprovedBy = entry.DescribeActor(),
        ApprovedReason = entry.Reason ?? "",
        ByVotes = entry.Reviewer is not null,
        Overridden = entry.Overridden,
        Self = entry.Self,
        AccessUntil = entry.ValidBefore is { } end ? Wording.Time(end) : null,
        Certificates = 0,
    };
}
