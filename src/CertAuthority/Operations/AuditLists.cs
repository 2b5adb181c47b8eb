using System.Collections.Immutable;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Lists the audit a page at a time, and waits for entries that are not there yet.</summary>
internal static class AuditLists
{
    private const int MostPatterns = 32;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(25);

    /// <summary>
    /// Returns a page of entries. With <c>wait</c>, it returns when there is a matching entry, when a filter has skipped so many that the
    /// client should note the position, or when the wait is over.
    /// </summary>
    public static async Task<AuditList> List(Authority ca, Administrator by, ListAudit ask)
    {
        var (wish, size) = (Wish(ca, ask), Pages.Size(ask.Limit));
        var after = wish.OldestFirst ? Position(ask.After) : Pages.Behind(ask.After);
        var isFromBeginning = after is null;
        if (ask.Wait is null)
            return Show(Read(ca, wish, size, after), wish, isFromBeginning);
        if (!wish.OldestFirst)
            throw Problems.InvalidField("wait", $"is for the order {AuditOrders.Oldest}");
        var wait = Problems.Duration("wait", ask.Wait);
        var until = ca.Clock.GetUtcNow() + (wait < LongestWait ? wait : LongestWait);
        var watch = ca.Database.AuditWatch;
        if (!watch.TryEnter())
            throw new ProblemException(new Problem(ProblemCode.Limited, $"{AuditWatch.Most} callers wait for the audit already"));
        try
        {
            while (true)
            {
                var commit = watch.NextCommit;
                var read = Read(ca, wish, size, after);
                var piece = read.Piece;
                var left = until - ca.Clock.GetUtcNow();
                if (piece.Entries.Count > 0 || piece.HasMore || watch.Stopped || left <= TimeSpan.Zero)
                    return Show(read, wish, isFromBeginning);
                after = piece.Position;
                await commit.WaitAsync(left, ca.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            watch.Leave();
        }
    }

    private static (AuditPiece Piece, AuditArchive Archive) Read(
        Authority ca, AuditWish wish, int size, long? after) => ca.Database.Read(snapshot =>
    {
        if (wish.OldestFirst && snapshot.LastAudit() is var last && after > last)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict, $"the audit ends with entry {last}, before {after}",
                "the database was restored from a backup that is older than that position"));
        var archive = snapshot.AuditArchive();
        if (wish.OldestFirst && after < archive.Through)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict, $"the entries up to {archive.Through} are archived, and what follows entry {after} is among them",
                $"take them from the archive of the audit, and go on after entry {archive.Through} here"));
        return (snapshot.ReadAudit(wish, size, after), archive);
    });

    // What is archived is said where the list would have it: newest first, at its end.
    private static AuditList Show((AuditPiece Piece, AuditArchive Archive) read, AuditWish wish, bool isFromBeginning)
    {
        var (piece, archive) = read;
        var position = piece.Position.ToString();
        return new AuditList(
            [.. piece.Entries], piece.HasMore ? position : null, wish.OldestFirst ? position : null,
            archive.Before is { } before && archive.MayHave(wish.Since) && (wish.OldestFirst ? isFromBeginning : !piece.HasMore)
                ? new ArchivedEntries(archive.Through, before)
                : null);
    }

    private static AuditWish Wish(Authority ca, ListAudit ask) =>
        new(
            ask.User, ask.Request is { } request ? ca.Database.Read(snapshot => Certificates.Request(snapshot, request)) : null,
            ask.Since is { } since ? Problems.Since(since, ca.Now()) : null, ask.Until)
        {
            Events = Patterns(ask.Event),
            Account = ask.Account,
            OldestFirst = ask.Order switch
            {
                null or AuditOrders.Newest => false,
                AuditOrders.Oldest => true,
                var other => throw Problems.InvalidField("order", $"takes {AuditOrders.Newest} or {AuditOrders.Oldest}, not \"{other}\""),
            },
        };

    private static ImmutableArray<NamePattern> Patterns(string? text)
    {
        if (text is null)
            return [];
        var words = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length is 0 or > MostPatterns)
            throw Problems.InvalidField("event", $"takes 1 to {MostPatterns} kinds of events, separated by commas");
        return [.. words.Select(Pattern)];
    }

    private static NamePattern Pattern(string word) =>
        NamePattern.TryParse(word, out var fault) ?? throw Problems.InvalidField("event", $"\"{word}\": {fault}");

    // Where a follower begins that has nothing yet is 0.
    private static long? Position(string? after) => after == "0" ? 0 : Pages.Behind(after);
}
