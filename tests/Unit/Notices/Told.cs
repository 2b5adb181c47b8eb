using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Configuration;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Notices;

/// <summary>Events, and to whom they are told.</summary>
internal static class Told
{
    public const string Id = "0d0f9f0c-6a0c-4f0e-8f5c-1f3f6b8f3a11";

    public static readonly DateTimeOffset Now = Access.Sample.Now;

    /// <summary>Something that happened to a request of alice's for dba and web.</summary>
    public static Notification Of(string what, string reason = "", string answer = "", string by = "root", params (string Author, string State, string Reason)[] reviews)
    {
        var state = what switch { NoticeEvents.Created or NoticeEvents.Reviewed => RequestState.Pending, NoticeEvents.Denied => RequestState.Denied, NoticeEvents.Cancelled => RequestState.Cancelled, _ => RequestState.Approved };
        var request = Access.Sample.Request(Access.Sample.User("alice"), state, Access.Sample.Role("dba"), Access.Sample.Role("web")) with { Id = Guid.Parse("b48cc9ff-d730-4f59-a5fd-e60383ff6ce2"), Reason = reason };
        if (state != RequestState.Pending)
            request = request with { Resolution = new RequestResolution(by, Now, answer) };
        var shown = request.Show(Now);
        return new Notification(Id, 2, what, Now, shown with { Spec = shown.Spec with { Reviews = [.. reviews.Select(one => new RequestReview(one.Author, one.State, [], one.Reason, Now))] } });
    }

    /// <summary>Something that happened to hosts.</summary>
    public static Notification OfHosts(string what, params string[] hosts) => new(Id, 2, what, Now, Hosts: hosts);

    public static MailSettings Mail(string from = "CertAuthority <ca@example.com>") =>
        new("mail.example.com", 587, MailTls.StartTls, null, MailSettings.ParseSender(from)!, NoticeFilter.Everything);

    public static WebhookSettings Webhook(string key) =>
        new("chat", new Uri("https://chat.example.com/hook"), [.. System.Text.Encoding.UTF8.GetBytes(key)], NoticeFilter.Everything);
}
