using System.Text;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>Writes an event in words. Names and reasons in it come from people, and may contain markup.</summary>
internal static class NoticeText
{
    /// <summary>One line without reasons: who did what, which hosts are affected, or how full the disk is.</summary>
    public static string Headline(Notification told) =>
        Printable.Escape(told switch
        {
            { Request: { } request } => OfRequest(told.Event, request.Spec),
            { Disk: { } disk } => disk.Describe(),
            _ => OfHosts(told.Event, told.Hosts!),
        });

    /// <summary>
    /// At most four lines for a chat such as Slack: what is asked, what an approval would open, for how long and at which risk, and what it
    /// needs. Once the request is decided, the second line says how, so that the text can replace the one before.
    /// </summary>
    /// <remarks>
    /// <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> can make links and mention people, so they are escaped the way Slack wants. A reason is
    /// put between backquotes, where nothing has a special meaning, and any backquotes in it are replaced.
    /// </remarks>
    public static string Chat(Notification told) =>
        string.Join('\n', told.Request is { } request ? Lines(told.Event, request) : [Headline(told)])
            .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);

    private static IEnumerable<string> Lines(string what, RequestResource request)
    {
        var spec = request.Spec;
        yield return string.Concat(
            Printable.Escape($"{spec.User} asks for {Asked(spec.Roles, spec)}"), After(": ", spec.RequestReason),
            $" (request {request.Metadata.Name})");
        if (request.Facts is { } facts)
        {
            // Labels and commands in the facts are free text too.
            yield return $"opens {Quoted(FactsText.Opens(facts))}";
            yield return string.Concat(
                facts.Period is { } period ? $"for {Quoted(FactsText.Lasts(period))}" : "cannot be approved now",
                After("; risk: ", FactsText.Risks(facts)));
        }
        if (what == NoticeEvents.Created)
        {
            if (request.Facts is { } open)
                yield return $"needs {Quoted(FactsText.Needs(spec, open))}";
        }
        else
            yield return what switch
            {
                NoticeEvents.Reviewed => string.Concat(
                    LastReview(spec) is { } review
                        ? Printable.Escape($"{review.Author} {Voted(review)}") + After(": ", review.Reason)
                        : "reviewed",
                    request.Facts is { } open ? $"; needs {Quoted(FactsText.Needs(spec, open))}" : ""),
                NoticeEvents.Ending => $"the access ends at {Instants.Show(spec.AccessExpires)}",
                _ => string.Concat(
                    Printable.Escape(
                        spec.State.ToLowerInvariant()
                        + (spec.GrantedRoles is [_, ..] && !spec.GrantedRoles.Order().SequenceEqual(spec.Roles.Order())
                            ? $" for {string.Join(", ", spec.GrantedRoles)}"
                            : "")
                        + (spec.ResolvedBy is { } by ? $" by {by}" : "")), After(": ", spec.ResolveReason)),
            };
    }

    private static string After(string before, string text) => text.Length > 0 ? $"{before}{Quoted(text)}" : "";

    private static string Quoted(string text) => $"`{Printable.Escape(text).Replace('`', '\'')}`";

    /// <summary>A mail to a person whom a request concerns: what happened to it, and what to do about it.</summary>
    public static string Letter(Notification told)
    {
        // People get only notices about requests.
        var (spec, id) = (told.Request!.Spec, told.Request.Metadata.Name);
        var letter = new StringBuilder($"{Headline(told)}.\n\n");
        if (Reason(told.Event, spec) is { Length: > 0 } reason)
            letter.Append($"reason: {Printable.Escape(reason)}\n");
        letter.Append($"request: {id}\n");
        if (told.Event is NoticeEvents.Created or NoticeEvents.Reviewed)
            letter.Append($"waits for an answer until: {Instants.Show(spec.Expires)}\n");
        if (told.Request.Facts is { } facts)
            foreach (var (name, value) in FactsText.Lines(spec, facts))
                letter.Append($"{Printable.Escape(name)}: {Printable.Escape(value)}\n");
        if (told.Event is NoticeEvents.Approved or NoticeEvents.Ending)
            letter.Append($"access ends: {Instants.Show(spec.AccessExpires)}\n");
        letter.Append(told.Event switch
        {
            NoticeEvents.Created =>
                $"\nto approve it: tsh request review {id} --approve\nto deny it: tsh request review {id} --deny --reason=TEXT\n",
            NoticeEvents.Approved => $"\nto use it: tsh login --request-id={id}\n",
            _ => $"\nto see it: tsh request show {id}\n",
        });
        return letter.ToString();
    }

    private static string OfRequest(string what, RequestSpec spec)
    {
        var roles = Asked(spec.GrantedRoles is [] ? spec.Roles : spec.GrantedRoles, spec);
        var request = $"{spec.User}'s request for {roles}";
        return what switch
        {
            NoticeEvents.Created => $"{spec.User} asks for {roles}",
            // A vote is not the state of the request.
            NoticeEvents.Reviewed => string.Concat(
                LastReview(spec) is { } review
                    ? $"{review.Author} {Voted(review)} {request}"
                    : $"{request} was reviewed",
                spec.Needs is [_, ..] needs ? $": {string.Join("; ", needs)}" : ""),
            NoticeEvents.Ending => $"{spec.User}'s access to {roles} ends at {Instants.Show(spec.AccessExpires)}",
            _ => $"{request} was {spec.State.ToLowerInvariant()}{(spec.ResolvedBy is { } by ? $" by {by}" : "")}",
        };
    }

    private static string Asked(string[] roles, RequestSpec spec) =>
        string.Join(", ", roles) + (spec.Resources is [_, ..] nodes ? $" on {Few(nodes)}" : "");

    private static string Voted(RequestReview review) =>
        $"voted to {(review.ProposedState == RequestStates.Approved ? "approve" : "deny")}";

    private static string OfHosts(string what, string[] hosts) =>
        $"{(hosts is [_] ? "1 host has" : $"{hosts.Length} hosts have")} {what switch
        {
            NoticeEvents.Stale => "no fresh revocation list",
            NoticeEvents.Contested => "the revocation list of another daemon",
            _ => "the revocation list again",
        }}: {Few(hosts)}";

    private static string Reason(string what, RequestSpec spec) => what switch
    {
        NoticeEvents.Created => spec.RequestReason,
        NoticeEvents.Reviewed => LastReview(spec)?.Reason ?? "",
        NoticeEvents.Ending => "",
        _ => spec.ResolveReason,
    };

    // A chat line has no room for three hundred names.
    private static string Few(string[] names) => names switch
    {
        [var only] => only,
        { Length: <= 3 } => $"{string.Join(", ", names[..^1])} and {names[^1]}",
        _ => $"{names[0]}, {names[1]} and {names.Length - 2} more",
    };

    private static RequestReview? LastReview(RequestSpec spec) => spec.Reviews?.LastOrDefault();
}
