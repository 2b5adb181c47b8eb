using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using CertAuthority.Protocol;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Ui.Serving;

/// <summary>A component that shows one thing.</summary>
/// <typeparam name="T">What it shows.</typeparam>
public abstract class View<T> : ComponentBase
{
    /// <summary>What it shows.</summary>
    [Parameter, EditorRequired]
    public required T Of { get; set; }
}

/// <summary>Turns components into text.</summary>
internal static partial class Html
{
    private static readonly ServiceProvider Services = new ServiceCollection().BuildServiceProvider();

    /// <summary>Returns the text of a component.</summary>
    /// <typeparam name="TView">The component.</typeparam>
    /// <typeparam name="T">What it shows.</typeparam>
    public static async Task<string> Render<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TView, T>(T of)
        where TView : View<T>
    {
        await using var renderer = new HtmlRenderer(Services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { [nameof(View<T>.Of)] = of });
        return Visible(
            await renderer.Dispatcher.InvokeAsync(
                async () => (await renderer.RenderComponentAsync<TView>(parameters)).ToHtmlString()));
    }

    /// <summary>Returns a fragment that shows a component.</summary>
    /// <typeparam name="TView">The component.</typeparam>
    /// <typeparam name="T">What it shows.</typeparam>
    public static RenderFragment Part<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TView, T>(T of)
        where TView : View<T> => builder =>
    {
        builder.OpenComponent<TView>(0);
        builder.AddComponentParameter(1, nameof(View<T>.Of), of);
        builder.CloseComponent();
    };

    /// <summary>
    /// Replaces every character that people could not see as itself by an escape, as on a terminal. The encoder writes each of them as a
    /// reference, in texts and in attributes, so that nothing that people typed gets past this.
    /// </summary>
    internal static string Visible(string html) => References().Replace(html, run =>
    {
        // A mark needs the letter that is before the run.
        var text = "a" + WebUtility.HtmlDecode(run.Value);
        var escaped = Printable.Escape(text);
        return escaped == text ? run.Value : HtmlEncoder.Default.Encode(escaped[1..]);
    });

    [GeneratedRegex("(?:&#x[0-9A-F]+;)+")]
    private static partial Regex References();
}
