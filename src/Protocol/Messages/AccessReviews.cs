using System.Globalization;

namespace CertAuthority.Protocol;

/// <summary>Records that somebody begins to review who has access.</summary>
/// <param name="Sha256">The SHA-256 of the report under review, 64 hexadecimal digits in lower case.</param>
/// <param name="Position">The <c>seq</c> of the last entry of the audit that the report contains.</param>
public sealed record StartAccessReview(string Sha256, long Position);

/// <summary>Ends a review with a signature.</summary>
/// <param name="Number">The number of the review.</param>
/// <param name="Signature">
/// The signature that <c>ssh-keygen -Y sign</c> makes over <see cref="AccessReview.Document"/>, in the namespace
/// <see cref="AccessReviewDocument.Namespace"/>.
/// </param>
public sealed record SignAccessReview(long Number, string Signature);

/// <summary>Lists reviews, newest first.</summary>
/// <param name="Limit">The largest number of reviews, at least 1. A page contains at most 1000.</param>
/// <param name="After">Only reviews before the one with this number: the <c>next</c> of the previous page.</param>
public sealed record ListAccessReviews(int? Limit = null, string? After = null);

/// <summary>Reviews of who has access.</summary>
/// <param name="Reviews">The reviews, newest first.</param>
/// <param name="Next">The number after which there are more; null if there are none.</param>
public sealed record AccessReviewList(AccessReview[] Reviews, string? Next = null);

/// <summary>A review of who has access.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Started">When it was started.</param>
/// <param name="StartedBy">The account that started it.</param>
/// <param name="Sha256">The SHA-256 of the report, in hexadecimal.</param>
/// <param name="Position">The <c>seq</c> of the last entry of the audit that the report contains.</param>
/// <param name="Document">The text that is signed, a line of JSON.</param>
public sealed record AccessReview(
    long Number, DateTimeOffset Started, string StartedBy, string Sha256, long Position, string Document)
{
    /// <summary>The signature; null as long as the review is open.</summary>
    public AccessReviewSignature? Signature { get; init; }
}

/// <summary>The signature that ended a review.</summary>
/// <param name="Time">When it was handed in.</param>
/// <param name="By">The account that handed it in.</param>
/// <param name="PublicKey">The key that made it, as a line of a <c>.pub</c> file.</param>
/// <param name="Fingerprint">The fingerprint of that key.</param>
/// <param name="Armored">The signature, as <c>ssh-keygen -Y verify</c> reads it.</param>
public sealed record AccessReviewSignature(DateTimeOffset Time, string By, string PublicKey, string Fingerprint, string Armored);

/// <summary>The text that is signed at the end of a review.</summary>
public static class AccessReviewDocument
{
    /// <summary>The namespace of the signature, so that a signature made for anything else is none for a review.</summary>
    public const string Namespace = "access-review@certauthority";

    /// <summary>Returns the text: one line of JSON. Both sides make it, so that nobody signs what they did not look at.</summary>
    /// <param name="number">The number of the review.</param>
    /// <param name="started">When it was started, in whole seconds.</param>
    /// <param name="sha256">The SHA-256 of the report, in hexadecimal.</param>
    /// <param name="position">The <c>seq</c> of the last entry that the report contains.</param>
    public static string Text(long number, DateTimeOffset started, string sha256, long position) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"access_review\":{number},\"started\":\"{started.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss}Z\",\"position\":{position},\"sha256\":\"{sha256}\"}}\n");
}
