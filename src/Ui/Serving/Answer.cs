using CertAuthority.Ui.Desks;
using Microsoft.AspNetCore.Components;

namespace CertAuthority.Ui.Serving;

/// <summary>A call of the person's browser.</summary>
/// <param name="Desk">What it may do.</param>
/// <param name="Query">The fields of its address.</param>
/// <param name="Form">The fields of its form.</param>
/// <param name="Now">The time.</param>
/// <param name="Cancellation">Cancels it when the browser is gone.</param>
internal sealed record Visit(Desk Desk, Fields Query, Fields Form, DateTimeOffset Now, CancellationToken Cancellation)
{
    /// <summary>The desk of a user.</summary>
    public UserDesk User => (UserDesk)Desk;

    /// <summary>The desk of an administrator.</summary>
    public AdministratorDesk Administrator => (AdministratorDesk)Desk;
}

/// <summary>What a page answers.</summary>
internal abstract record Answer
{
    private Answer()
    {
    }

    /// <summary>A page.</summary>
    /// <param name="Title">Its title.</param>
    /// <param name="Tab">The path of its tab.</param>
    /// <param name="Command">The command that shows or does the same; null for none.</param>
    /// <param name="Body">Its content.</param>
    /// <param name="Live">What it shows, as <c>/live</c> compares it; null for a page that does not change by itself.</param>
    /// <param name="Status">The status.</param>
    internal sealed record Page(string Title, string Tab, string? Command, RenderFragment Body, string? Live = null, int Status = 200)
        : Answer;

    /// <summary>Another page, after something was done.</summary>
    /// <param name="To">Its path.</param>
    /// <param name="Said">What was done.</param>
    internal sealed record Go(string To, params Said[] Said) : Answer;

    /// <summary>A file to save.</summary>
    /// <param name="Type">Its type.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Write">Writes it.</param>
    internal sealed record Download(string Type, string Name, Func<TextWriter, Task> Write) : Answer;

    /// <summary>A short text for the script of the page.</summary>
    /// <param name="Text">The text.</param>
    internal sealed record Plain(string Text) : Answer;
}

/// <summary>A message at the top of a page.</summary>
/// <param name="Kind">What kind it is.</param>
/// <param name="Text">The message.</param>
public sealed record Said(SaidKind Kind, string Text);

/// <summary>The kinds of messages.</summary>
public enum SaidKind
{
    /// <summary>Something was done.</summary>
    Done,
    /// <summary>It was done, and deserves a second look.</summary>
    Warning,
    /// <summary>It was not done.</summary>
    Refused,
    /// <summary>What would help.</summary>
    Hint,
}
