using System.Text;
using CertAuthority.Access;
using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>An event in words. Names and reasons in it are people's, and may try to be more than words.</summary>
internal static class NoticeText
{
    /// <summary>Who did what, in one line without anybody's reasons.</summary>
    public static string Headline(Notification told)
    {
        var spec = told.Request.Spec;
        var roles = string.Join(", ", spec.GrantedRoles is [] ? spec.Roles : spec.GrantedRoles) + (spec.Resources is [_, ..] nodes ? $" on {Few(nodes)}" : "");
        var request = $"{spec.User}'s request for {roles}";
        return Printable.Escape(told.Event switch
        {
            NoticeEvents.Created => $"{spec.User} asks for {roles}",
            NoticeEvents.Reviewed => LastReview(told) is { } review ? $"{review.Author} reviewed {request}: {review.ProposedState}" : $"{request} was reviewed",
            NoticeEvents.Ending => $"{spec.User}'s access to {roles} ends at {Instants.Show(spec.AccessExpires)}",
            _ => $"{request} was {spec.State.ToLowerInvariant()}{(spec.ResolvedBy is { } by ? $" by {by}" : "")}",
        });
    }

    /// <summary>
    /// One line for a chat, as Slack and its like read it: <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> make links and call people, so they are written as
    /// Slack wants; a reason stands in backquotes, between which nothing has a meaning, and so has none in it.
    /// </summary>
    public static string Chat(Notification told)
    {
        var line = $"{Headline(told)}{(Reason(told) is { Length: > 0 } reason ? $": `{Printable.Escape(reason).Replace('`', '\'')}`" : "")} (request {told.Request.Metadata.Name})";
        return line.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
    }

    /// <summary>A letter to whom it concerns: what happened, and what to do about it.</summary>
    public static string Letter(Notification told)
    {
        var (spec, id) = (told.Request.Spec, told.Request.Metadata.Name);
        var letter = new StringBuilder($"{Headline(told)}.\n\n");
        if (Reason(told) is { Length: > 0 } reason)
            letter.Append($"reason: {Printable.Escape(reason)}\n");
        letter.Append($"request: {id}\n");
        if (told.Event is NoticeEvents.Created or NoticeEvents.Reviewed)
            letter.Append($"waits for an answer until: {Instants.Show(spec.Expires)}\n");
        if (told.Event is NoticeEvents.Approved or NoticeEvents.Ending)
            letter.Append($"access ends: {Instants.Show(spec.AccessExpires)}\n");
        letter.Append(told.Event switch
        {
            NoticeEvents.Created => $"\nto answer: tsh request review {id}\n",
            NoticeEvents.Approved => $"\nto use it: tsh login --request-id={id}\n",
            _ => $"\nto see it: tsh request show {id}\n",
        });
        return letter.ToString();
    }

    private static string Reason(Notification told) => told.Event switch
    {
        NoticeEvents.Created => told.Request.Spec.RequestReason,
        NoticeEvents.Reviewed => LastReview(told)?.Reason ?? "",
        NoticeEvents.Ending => "",
        _ => told.Request.Spec.ResolveReason,
    };

    // A line of chat has no room for three hundred.
    private static string Few(string[] nodes) => nodes.Length <= 3 ? string.Join(", ", nodes) : $"{string.Join(", ", nodes[..2])} and {nodes.Length - 2} more";

    private static RequestReview? LastReview(Notification told) => told.Request.Spec.Reviews?.LastOrDefault();
}
