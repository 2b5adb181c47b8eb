using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>A review of who has access, as it is stored.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Started">When it was started.</param>
/// <param name="StartedBy">The account that started it.</param>
/// <param name="Sha256">The SHA-256 of the report.</param>
/// <param name="Position">The number of the last entry of the audit that the report contains.</param>
/// <param name="Signed">When it was signed; null as long as it is open.</param>
/// <param name="SignedBy">The account that handed in the signature.</param>
/// <param name="Signature">The signature, armored.</param>
internal sealed record RecordedReview(
    long Number, DateTimeOffset Started, string StartedBy, string Sha256, long Position, DateTimeOffset? Signed = null,
    string? SignedBy = null, string? Signature = null);

/// <summary>The reviews of who has access.</summary>
internal static class AccessReviewTable
{
    private const string Columns = "SELECT number, started, started_by, sha256, position, signed, signed_by, signature FROM access_reviews";

    /// <summary>Records a review that begins, and returns it with its number.</summary>
    public static RecordedReview StartReview(this Transaction transaction, RecordedReview review) =>
        review with
        {
            Number = transaction.QueryFirst(
                "INSERT INTO access_reviews (started, started_by, sha256, position) VALUES ($1, $2, $3, $4) RETURNING number",
                row => row.Long("number"), review.Started, review.StartedBy, review.Sha256, review.Position),
        };

    /// <summary>Records the signature of a review.</summary>
    public static void SignReview(this Transaction transaction, RecordedReview review) =>
        transaction.Execute(
            "UPDATE access_reviews SET signed = $1, signed_by = $2, signature = $3 WHERE number = $4", review.Signed, review.SignedBy,
            review.Signature, review.Number);

    public static RecordedReview? FindAccessReview(this Snapshot snapshot, long number) =>
        snapshot.QueryFirst($"{Columns} WHERE number = $1", Row, number);

    /// <summary>Returns reviews, newest first.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="limit">The largest number of reviews.</param>
    /// <param name="before">Only reviews with a smaller number; null for all.</param>
    public static List<RecordedReview> AccessReviews(this Snapshot snapshot, int limit, long? before) =>
        snapshot.QueryReadable(
            $"{Columns} WHERE number < $1 ORDER BY number DESC LIMIT $2", Row, before ?? long.MaxValue, limit);

    /// <summary>Returns when the review was started before which so many others were; null if there are not so many.</summary>
    public static DateTimeOffset? StartOfReview(this Snapshot snapshot, int before) =>
        snapshot.QueryFirst(
            "SELECT number, started FROM access_reviews ORDER BY number DESC LIMIT 1 OFFSET $1",
            row => (DateTimeOffset?)row.Time("started"), before);

    private static RecordedReview Row(DbDataReader row) => new(
        row.Long("number"), row.Time("started"), row.String("started_by"), row.String("sha256"), row.Long("position"),
        row.IsNull("signed") ? null : row.Time("signed"), row.Text("signed_by"), row.Text("signature"));
}
