using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl.Reports;

/// <summary>
/// A report on everybody's access. Its JSON is what a review signs: the members are in a fixed order and the lists are sorted, so that the
/// same facts have the same bytes. Times are text in UTC.
/// </summary>
internal sealed record AccessReport
{
    /// <summary>The value of <see cref="Kind"/>.</summary>
    public const string ItsKind = "access_report";

    public string Kind { get; init; } = ItsKind;

    public int Version { get; init; } = 1;

    /// <summary>When it was taken.</summary>
    public required string Taken { get; init; }

    /// <summary>The number of the last entry of the audit that it contains; access is as of that entry.</summary>
    public required long Position { get; init; }

    /// <summary>The first instant of the period.</summary>
    public required string Since { get; init; }

    /// <summary>The first instant after the period; <see cref="Taken"/> if the period ends with the entry <see cref="Position"/>.</summary>
    public required string Until { get; init; }

    /// <summary>The instant since which a role must have been in use.</summary>
    public required string UnusedSince { get; init; }

    /// <summary>What the report cannot see, because it is archived, in a sentence; null if it sees everything.</summary>
    public string? NotSeen { get; init; }

    public required int Users { get; init; }

    public required int Roles { get; init; }

    public required int Hosts { get; init; }

    /// <summary>The most names of users and hosts that a row of <see cref="Access"/> lists; null for all.</summary>
    public int? Listed { get; init; }

    public required AccessRow[] Access { get; init; }

    public required GrantRow[] Grants { get; init; }

    public required UnusedRow[] Unused { get; init; }

    public required LeftRow[] Left { get; init; }

    public required ChangeRow[] Changes { get; init; }

    /// <summary>Returns the JSON, as it is printed, stored and signed.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.AccessReport) + "\n";

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static AccessReport Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, ReportJson.Default.AccessReport) is { Kind: ItsKind, Version: 1 } report
            ? report
            : throw new JsonException();
}

/// <summary>Users who can log in to hosts, or could if a request were approved, all in the same way.</summary>
/// <param name="How"><see cref="AccessWays.Standing"/> or one of the others.</param>
/// <param name="Roles">The roles that allow it together.</param>
/// <param name="Logins">The logins; <c>{user}</c> stands for the name of each user.</param>
/// <param name="Users">How many users there are.</param>
/// <param name="UserNames">Their names, at most as many as the report lists.</param>
/// <param name="Hosts">How many enrolled hosts there are; null for every host that trusts the CA, enrolled or not.</param>
/// <param name="HostNames">Their names, at most as many as the report lists.</param>
/// <param name="Labels">The labels of these hosts, as far as roles select by them, at most as many sets as the report lists.</param>
/// <param name="Conditions">The conditions of each session; null for none.</param>
internal sealed record AccessRow(
    string How, string[] Roles, string[] Logins, int Users, string[] UserNames, int? Hosts, string[] HostNames, string[] Labels,
    string? Conditions = null);

/// <summary>The values of <see cref="AccessRow.How"/>.</summary>
internal static class AccessWays
{
    /// <summary>By roles that the users hold.</summary>
    public const string Standing = "standing";

    /// <summary>By a request for the role, if it were approved.</summary>
    public const string ByRequest = "by request";

    /// <summary>By a request for hosts by name, if it were approved.</summary>
    public const string ByRequestForHosts = "by request for hosts";
}

/// <summary>A request that was approved in the period.</summary>
internal sealed record GrantRow
{
    public required string Request { get; init; }

    public required string User { get; init; }

    public required string[] Asked { get; init; }

    public required string[] Granted { get; init; }

    /// <summary>The only hosts that it opens, each <c>node/NAME</c>; empty for those of the roles.</summary>
    public required string[] Resources { get; init; }

    /// <summary>The reason in the requester's words; null if the audit does not contain how it was filed.</summary>
    public string? Reason { get; init; }

    public string? Filed { get; init; }

    public string? FiledBy { get; init; }

    public required VoteRow[] Votes { get; init; }

    public required string Approved { get; init; }

    public required string ApprovedBy { get; init; }

    public required string ApprovedReason { get; init; }

    /// <summary>Whether reviewers decided it by their votes, and not an administrator.</summary>
    public required bool ByVotes { get; init; }

    /// <summary>
    /// What the administrator passed over: thresholds that the votes did not reach, a role that had changed. Null for nothing.
    /// </summary>
    public string[]? Overridden { get; init; }

    /// <summary>Whether somebody approved a request of their own.</summary>
    public bool? Self { get; init; }

    public string? AccessUntil { get; init; }

    /// <summary>How it ended before that, and who ended it; null if it did not.</summary>
    public string? Ended { get; init; }

    /// <summary>How many certificates were issued under it, up to the position of the report.</summary>
    public required int Certificates { get; init; }

    public string? FirstUsed { get; init; }
}

/// <summary>A vote on a request.</summary>
internal sealed record VoteRow(string Time, string Reviewer, string By, string Vote, string Reason);

/// <summary>A role that a user holds and did not use.</summary>
/// <param name="User">The user.</param>
/// <param name="Role">The role.</param>
/// <param name="Logins">The logins that the role opens to the user.</param>
/// <param name="Why">Whether no certificate named the role, or none contained a login of it.</param>
internal sealed record UnusedRow(string User, string Role, string[] Logins, string Why);

/// <summary>A user from groups whose account left all of them, or some.</summary>
/// <param name="Seq">The number of the entry.</param>
/// <param name="Time">When the daemon found out.</param>
/// <param name="User">The user.</param>
/// <param name="What"><c>removed</c> if no group makes the account a user any more, otherwise <c>left some</c>.</param>
/// <param name="Groups">The groups that it left.</param>
/// <param name="Roles">The roles that the user lost.</param>
internal sealed record LeftRow(long Seq, string Time, string User, string What, string[] Groups, string[] Roles);

/// <summary>A change of a role, user, host, lock or of the settings.</summary>
internal sealed record ChangeRow(
    long Seq, string Time, string Event, string Subject, string By, string Reason, AuditChange[] Changes, int? ChangesLeftOut = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n",
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AccessReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
