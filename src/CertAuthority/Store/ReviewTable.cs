using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;

namespace CertAuthority.Store;

/// <summary>The table of reviews. Rows never change; they are removed with their request.</summary>
internal static class ReviewTable
{
    private const string Columns = "author_id, author_name, author_uids, decision, roles, reason, at, assume_from, author_users, max_duration";

    /// <summary>Returns the reviews of a request, in the order in which they were made.</summary>
    public static ImmutableArray<Review> ReviewsOf(this Snapshot snapshot, Guid request) => [.. snapshot.Ask(ReviewsOf(request))];

    /// <summary>Asks for the reviews of a request, in the order in which they were made.</summary>
    public static Question<Review> ReviewsOf(Guid request) =>
        new($"SELECT {Columns} FROM reviews WHERE request_id = $1 ORDER BY number", Row, request);

    /// <summary>Adds a review to a request. Its number is the request's next one, so if two are added at once, one of them fails.</summary>
    public static void InsertReview(this Transaction transaction, AccessRequest request, int number, Review review) =>
        transaction.Write(
            $"INSERT INTO reviews (request_id, number, {Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            request.Id, number, review.AuthorId, review.AuthorName, Rows.Json(review.AuthorUids), Word(review.Decision),
            Rows.Json(review.Roles), review.Reason, review.At, review.AssumeFrom, Rows.Json(review.AuthorUsers), review.AtMost);

    /// <summary>Returns the state that a review votes for, as people and rows write it.</summary>
    public static string Word(ReviewDecision decision) =>
        RequestTransitions.Word(decision == ReviewDecision.Approve ? RequestState.Approved : RequestState.Denied);

    private static Review Row(DbDataReader row) => new(
        row.Id("author_id"), row.String("author_name"), row.Uids("author_uids"),
        row.String("decision") == "APPROVED" ? ReviewDecision.Approve : ReviewDecision.Deny, row.Texts("roles"), row.String("reason"),
        row.Time("at"),
        row.IsNull("assume_from") ? null : row.Time("assume_from"), row.IsNull("max_duration") ? null : row.Length("max_duration"))
    { AuthorUsers = row.Ids("author_users") };
}
