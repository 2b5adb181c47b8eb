using System.Text;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Records who went through a report of everybody's access, and their signature. It changes nothing that anybody may do; so auditors may do
/// it too.
/// </summary>
internal static class AccessReviews
{
    // More than anybody reads, and too few to fill the disk.
    private const int MostPerDay = 100;

    private const int Digits = 64;

    public static async Task<AccessReview> Start(Authority ca, Administrator by, StartAccessReview ask)
    {
        if (ask.Sha256.Length != Digits || !ask.Sha256.All(char.IsAsciiHexDigitLower))
            throw Problems.InvalidField("sha256", $"takes {Digits} hexadecimal digits in lower case");
        if (ask.Position < 1)
            throw Problems.InvalidField("position", "takes the number of an entry of the audit");
        var now = ca.Now();
        return Show(await ca.Database.Commit(transaction =>
        {
            if (transaction.LastAudit() is var last && ask.Position > last)
                throw new ProblemException(new Problem(
                    ProblemCode.Conflict, $"the audit ends with entry {last}, before {ask.Position}",
                    "the report is of another daemon, or the database was restored from a backup that is older than the report"));
            if (transaction.StartOfReview(MostPerDay - 1) is { } earlier && now - earlier < TimeSpan.FromDays(1))
                throw new ProblemException(new Problem(ProblemCode.Limited, $"{MostPerDay} reviews were started within a day"));
            var review = transaction.StartReview(new RecordedReview(0, now, by.Caller.Name, ask.Sha256, ask.Position));
            transaction.Audit(by.Caller.Did(AuditEvents.AccessReviewStarted, now) with { AccessReview = Entry(review) });
            return review;
        }));
    }

    public static async Task<AccessReview> Sign(Authority ca, Administrator by, SignAccessReview ask)
    {
        var signature = Parse(ask.Signature);
        var now = ca.Now();
        return Show(await ca.Database.Commit(transaction =>
        {
            var review = transaction.FindAccessReview(ask.Number)
                ?? throw Problems.NotFound($"there is no access review {ask.Number}", NextStep.List.AccessReview);
            if (review.Signed is not null)
                throw new ProblemException(new Problem(
                    ProblemCode.Conflict, $"access review {review.Number} has been signed already, by {review.SignedBy}"));
            if (MessageSignature.Fault(signature, AccessReviewDocument.Namespace, Encoding.UTF8.GetBytes(Document(review))) is { } fault)
                throw Problems.InvalidField("signature", fault);
            review = review with { Signed = now, SignedBy = by.Caller.Name, Signature = signature.Armored };
            transaction.SignReview(review);
            transaction.Audit(by.Caller.Did(AuditEvents.AccessReviewDone, now) with
            {
                AccessReview = Entry(review) with { Key = Fingerprint.Compute(signature.Key) },
            });
            return review;
        }));
    }

    public static Task<AccessReviewList> List(Authority ca, Administrator by, ListAccessReviews ask)
    {
        var (size, before) = (Pages.Size(ask.Limit), Pages.Behind(ask.After));
        var (reviews, next) = Pages.Cut(
            ca.Database.Read(snapshot => snapshot.AccessReviews(size + 1, before)), size, review => $"{review.Number}");
        return Task.FromResult(new AccessReviewList([.. reviews.Select(Show)], next));
    }

    private static SshSignatureReader Parse(string armored)
    {
        try
        {
            return SshSignatureReader.Parse(armored);
        }
        catch (SshFormatException malformed)
        {
            throw Problems.InvalidField("signature", $"takes what ssh-keygen -Y sign writes: {malformed.Message}");
        }
    }

    private static string Document(RecordedReview review) =>
        AccessReviewDocument.Text(review.Number, review.Started, review.Sha256, review.Position);

    private static AuditAccessReview Entry(RecordedReview review) => new(review.Number, review.Sha256, review.Position);

    private static AccessReview Show(RecordedReview review) =>
        new(review.Number, review.Started, review.StartedBy, review.Sha256, review.Position, Document(review))
        {
            Signature = review.Signed is { } time && SshSignatureReader.Parse(review.Signature!) is var signature
                ? new AccessReviewSignature(
                    time, review.SignedBy!, signature.Key.ToLine(""), Fingerprint.Compute(signature.Key), signature.Armored)
                : null,
        };
}
