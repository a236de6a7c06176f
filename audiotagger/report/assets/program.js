(()=>{var ke=e=>JSON.parse(e.textContent),b=ke(document.getElementById("about")),le=()=>Array.from(document.getElementsByClassName("record"),(e,t)=>({...ke(e),index:t})),Pt=300,X=new Map;function re(e){let t=X.get(e);return t||(t=ke(document.getElementById(`media-${e}`)),X.size>=Pt&&X.delete(X.keys().next().value),X.set(e,t)),t}var ce=e=>{let{picture:t}=re(e);return t?`data:image/png;base64,${t}`:""},Ue="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",De=e=>Array.from(e,t=>Ue.indexOf(t)/(Ue.length-1)),ze=e=>Int8Array.from(atob(e),t=>t.charCodeAt(0));var Me=globalThis,qe=e=>e,pe=Me.trustedTypes,Ve=pe?pe.createPolicy("lit-html",{createHTML:e=>e}):void 0,Te="$lit$",L=`lit$${Math.random().toFixed(9).slice(2)}$`,Ce="?"+L,Ht=`<${Ce}>`,R=document,Q=()=>R.createComment(""),ee=e=>e===null||typeof e!="object"&&typeof e!="function",Ee=Array.isArray,Xe=e=>Ee(e)||typeof e?.[Symbol.iterator]=="function",Se=`[ 	
\f\r]`,Z=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,We=/-->/g,Je=/>/g,I=RegExp(`>|${Se}(?:([^\\s"'>=/]+)(${Se}*=${Se}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Ke=/'/g,Ye=/"/g,Ze=/^(?:script|style|textarea|title)$/i,Oe=e=>(t,...s)=>({_$litType$:e,strings:t,values:s}),p=Oe(1),_=Oe(2),bs=Oe(3),E=Symbol.for("lit-noChange"),m=Symbol.for("lit-nothing"),Ge=new WeakMap,B=R.createTreeWalker(R,129);function Qe(e,t){if(!Ee(e)||!e.hasOwnProperty("raw"))throw Error("invalid template strings array");return Ve!==void 0?Ve.createHTML(t):t}var et=(e,t)=>{let s=e.length-1,a=[],n,o=t===2?"<svg>":t===3?"<math>":"",i=Z;for(let r=0;r<s;r++){let l=e[r],d,c,u=-1,f=0;for(;f<l.length&&(i.lastIndex=f,c=i.exec(l),c!==null);)f=i.lastIndex,i===Z?c[1]==="!--"?i=We:c[1]!==void 0?i=Je:c[2]!==void 0?(Ze.test(c[2])&&(n=RegExp("</"+c[2],"g")),i=I):c[3]!==void 0&&(i=I):i===I?c[0]===">"?(i=n??Z,u=-1):c[1]===void 0?u=-2:(u=i.lastIndex-c[2].length,d=c[1],i=c[3]===void 0?I:c[3]==='"'?Ye:Ke):i===Ye||i===Ke?i=I:i===We||i===Je?i=Z:(i=I,n=void 0);let $=i===I&&e[r+1].startsWith("/>")?" ":"";o+=i===Z?l+Ht:u>=0?(a.push(d),l.slice(0,u)+Te+l.slice(u)+L+$):l+L+(u===-2?r:$)}return[Qe(e,o+(e[s]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),a]},te=class e{constructor({strings:t,_$litType$:s},a){let n;this.parts=[];let o=0,i=0,r=t.length-1,l=this.parts,[d,c]=et(t,s);if(this.el=e.createElement(d,a),B.currentNode=this.el.content,s===2||s===3){let u=this.el.content.firstChild;u.replaceWith(...u.childNodes)}for(;(n=B.nextNode())!==null&&l.length<r;){if(n.nodeType===1){if(n.hasAttributes())for(let u of n.getAttributeNames())if(u.endsWith(Te)){let f=c[i++],$=n.getAttribute(u).split(L),h=/([.?@])?(.*)/.exec(f);l.push({type:1,index:o,name:h[2],strings:$,ctor:h[1]==="."?ue:h[1]==="?"?he:h[1]==="@"?$e:U}),n.removeAttribute(u)}else u.startsWith(L)&&(l.push({type:6,index:o}),n.removeAttribute(u));if(Ze.test(n.tagName)){let u=n.textContent.split(L),f=u.length-1;if(f>0){n.textContent=pe?pe.emptyScript:"";for(let $=0;$<f;$++)n.append(u[$],Q()),B.nextNode(),l.push({type:2,index:++o});n.append(u[f],Q())}}}else if(n.nodeType===8)if(n.data===Ce)l.push({type:2,index:o});else{let u=-1;for(;(u=n.data.indexOf(L,u+1))!==-1;)l.push({type:7,index:o}),u+=L.length-1}o++}}static createElement(t,s){let a=R.createElement("template");return a.innerHTML=t,a}};function F(e,t,s=e,a){if(t===E)return t;let n=a!==void 0?s._$Co?.[a]:s._$Cl,o=ee(t)?void 0:t._$litDirective$;return n?.constructor!==o&&(n?._$AO?.(!1),o===void 0?n=void 0:(n=new o(e),n._$AT(e,s,a)),a!==void 0?(s._$Co??=[])[a]=n:s._$Cl=n),n!==void 0&&(t=F(e,n._$AS(e,t.values),n,a)),t}var de=class{constructor(t,s){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=s}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:s},parts:a}=this._$AD,n=(t?.creationScope??R).importNode(s,!0);B.currentNode=n;let o=B.nextNode(),i=0,r=0,l=a[0];for(;l!==void 0;){if(i===l.index){let d;l.type===2?d=new W(o,o.nextSibling,this,t):l.type===1?d=new l.ctor(o,l.name,l.strings,this,t):l.type===6&&(d=new me(o,this,t)),this._$AV.push(d),l=a[++r]}i!==l?.index&&(o=B.nextNode(),i++)}return B.currentNode=R,n}p(t){let s=0;for(let a of this._$AV)a!==void 0&&(a.strings!==void 0?(a._$AI(t,a,s),s+=a.strings.length-2):a._$AI(t[s])),s++}},W=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,s,a,n){this.type=2,this._$AH=m,this._$AN=void 0,this._$AA=t,this._$AB=s,this._$AM=a,this.options=n,this._$Cv=n?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,s=this._$AM;return s!==void 0&&t?.nodeType===11&&(t=s.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,s=this){t=F(this,t,s),ee(t)?t===m||t==null||t===""?(this._$AH!==m&&this._$AR(),this._$AH=m):t!==this._$AH&&t!==E&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):Xe(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==m&&ee(this._$AH)?this._$AA.nextSibling.data=t:this.T(R.createTextNode(t)),this._$AH=t}$(t){let{values:s,_$litType$:a}=t,n=typeof a=="number"?this._$AC(t):(a.el===void 0&&(a.el=te.createElement(Qe(a.h,a.h[0]),this.options)),a);if(this._$AH?._$AD===n)this._$AH.p(s);else{let o=new de(n,this),i=o.u(this.options);o.p(s),this.T(i),this._$AH=o}}_$AC(t){let s=Ge.get(t.strings);return s===void 0&&Ge.set(t.strings,s=new te(t)),s}k(t){Ee(this._$AH)||(this._$AH=[],this._$AR());let s=this._$AH,a,n=0;for(let o of t)n===s.length?s.push(a=new e(this.O(Q()),this.O(Q()),this,this.options)):a=s[n],a._$AI(o),n++;n<s.length&&(this._$AR(a&&a._$AB.nextSibling,n),s.length=n)}_$AR(t=this._$AA.nextSibling,s){for(this._$AP?.(!1,!0,s);t!==this._$AB;){let a=qe(t).nextSibling;qe(t).remove(),t=a}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},U=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,s,a,n,o){this.type=1,this._$AH=m,this._$AN=void 0,this.element=t,this.name=s,this._$AM=n,this.options=o,a.length>2||a[0]!==""||a[1]!==""?(this._$AH=Array(a.length-1).fill(new String),this.strings=a):this._$AH=m}_$AI(t,s=this,a,n){let o=this.strings,i=!1;if(o===void 0)t=F(this,t,s,0),i=!ee(t)||t!==this._$AH&&t!==E,i&&(this._$AH=t);else{let r=t,l,d;for(t=o[0],l=0;l<o.length-1;l++)d=F(this,r[a+l],s,l),d===E&&(d=this._$AH[l]),i||=!ee(d)||d!==this._$AH[l],d===m?t=m:t!==m&&(t+=(d??"")+o[l+1]),this._$AH[l]=d}i&&!n&&this.j(t)}j(t){t===m?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},ue=class extends U{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===m?void 0:t}},he=class extends U{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==m)}},$e=class extends U{constructor(t,s,a,n,o){super(t,s,a,n,o),this.type=5}_$AI(t,s=this){if((t=F(this,t,s,0)??m)===E)return;let a=this._$AH,n=t===m&&a!==m||t.capture!==a.capture||t.once!==a.once||t.passive!==a.passive,o=t!==m&&(a===m||n);n&&this.element.removeEventListener(this.name,this,a),o&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},me=class{constructor(t,s,a){this.element=t,this.type=6,this._$AN=void 0,this._$AM=s,this.options=a}get _$AU(){return this._$AM._$AU}_$AI(t){F(this,t)}},tt={M:Te,P:L,A:Ce,C:1,L:et,R:de,D:Xe,V:F,I:W,H:U,N:he,U:$e,B:ue,F:me},Nt=Me.litHtmlPolyfillSupport;Nt?.(te,W),(Me.litHtmlVersions??=[]).push("3.3.3");var fe=(e,t,s)=>{let a=s?.renderBefore??t,n=a._$litPart$;if(n===void 0){let o=s?.renderBefore??null;a._$litPart$=n=new W(t.insertBefore(Q(),o),o,void 0,s??{})}return n._$AI(e),n};function Le(e,t,s,[a,n]){let[o,i,r,l]=[420,220,40,28],d=h=>r+(h-1)/Math.max(s-1,1)*(o-r-12),c=h=>8+(1-(h-a)/(n-a||1))*(i-l-8),u=[0,.25,.5,.75,1].map(h=>a+h*(n-a)),f=[...new Set([1,Math.ceil(s/4),Math.ceil(s/2),Math.ceil(3*s/4),s])],$=t.map(([h,,y])=>`${h} ${y.at(-1)?.toFixed(3)} at the end`).join(", ");return p`<figure class="chart">
    <svg viewBox=${`0 0 ${o} ${i}`} role="img" aria-label=${`${e}: ${$}`}>
      ${u.map(h=>_`<line class="grid" x1=${r} x2=${o-12} y1=${c(h)} y2=${c(h)}></line><text class="tick" x=${r-6} y=${c(h)+4} text-anchor="end">${h.toFixed(2)}</text>`)}
      ${f.map(h=>_`<text class="tick" x=${d(h)} y=${i-10} text-anchor="middle">${h}</text>`)}
      ${t.map(([,h,y])=>{let k=y.map((w,H)=>[H+1,w]).filter(([,w])=>w!==void 0);return _`<polyline class=${`line ${h}`} points=${k.map(([w,H])=>`${d(w)},${c(H)}`).join(" ")}></polyline>
          ${k.length<30?k.map(([w,H])=>_`<circle class=${`dot ${h}`} cx=${d(w)} cy=${c(H)} r="2.5"></circle>`):m}`})}
    </svg>
    <figcaption>${t.map(([h,y])=>p`<span class=${`key ${y}`}>${h}</span>`)} <span class="dim">by epoch</span></figcaption>
  </figure>`}function st(e){let[t,s]=[260,44],a=r=>r*(t-s-8),[n,o]=[r=>s+a(r),r=>t-s-a(r)],i=Math.max(...e.map(([r])=>r));return _`<svg class="reliability" viewBox=${`0 0 ${t} ${t}`} role="img" aria-label=${`Reliability: ${e.map(([r,l,d])=>`of ${r} clips with a score around ${l.toFixed(2)}, ${Math.round(100*d)} % are right`).join("; ")}`}>
    ${[0,.5,1].map(r=>_`<line class="grid" x1=${n(0)} x2=${n(1)} y1=${o(r)} y2=${o(r)}></line>
      <text class="tick" x=${s-6} y=${o(r)+4} text-anchor="end">${r}</text><text class="tick" x=${n(r)} y=${t-s+16} text-anchor="middle">${r}</text>`)}
    <line class="ideal" x1=${n(0)} y1=${o(0)} x2=${n(1)} y2=${o(1)}></line>
    <polyline class="line second" points=${e.map(([,r,l])=>`${n(r)},${o(l)}`).join(" ")}></polyline>
    ${e.map(([r,l,d])=>_`<circle class="dot second" cx=${n(l)} cy=${o(d)} r=${3+7*Math.sqrt(r/i)}><title>${r} clips: score ${l.toFixed(2)}, right ${d.toFixed(2)}</title></circle>`)}
    <text class="tick" x=${n(.5)} y=${t-4} text-anchor="middle">score of the best label</text>
    <text class="tick" transform=${`translate(10 ${o(.5)}) rotate(-90)`} text-anchor="middle">share right</text>
  </svg>`}function nt({order:e,confusion:t},s,a,n){let[o,i]=[15,e.length],r=16+6.2*Math.max(...e.map($=>s[$].length)),l=new Map(e.map(($,h)=>[$,h])),d=new Map;for(let[$,,h]of t)d.set($,(d.get($)??0)+h);let c=r+i*o+4,u=t.reduce(($,[h,y,k])=>$+(h===y?k:0),0),f=t.reduce(($,[,,h])=>$+h,0);return _`<svg class="confusion" .style=${`max-width:${Math.max(1.2*c,320)}px;min-width:${.8*c}px`} viewBox=${`0 0 ${c} ${c}`} role="img" aria-label=${`Confusion matrix: the best label is right for ${u} of ${f} clips`}>
    <rect class="ground" x=${r} y=${r} width=${i*o} height=${i*o}></rect>
    ${e.map(($,h)=>_`<text class="tick" x=${r-6} y=${r+h*o+11} text-anchor="end">${s[$]}</text>
      <text class="tick" transform=${`translate(${r+h*o+11} ${r-6}) rotate(-90)`}>${s[$]}</text>`)}
    ${t.map(([$,h,y])=>{let[k,w]=[r+l.get(h)*o,r+l.get($)*o],H=y/d.get($),Fe=a.truth===$&&a.best===h;return _`<g class=${`cell${$===h?" right":""}${Fe?" picked":""}`} @click=${()=>n(Fe?{}:{truth:$,best:h})}>
        <rect x=${k} y=${w} width=${o} height=${o} fill-opacity=${.12+.88*H}></rect>
        <text x=${k+o/2} y=${w+10.5} text-anchor="middle" class=${H>.5?"strong":""}>${y}</text>
        <title>${s[$]} taken for ${s[h]}: ${y} of ${d.get($)}</title></g>`})}
  </svg>`}function P(e){if(e==null)return"\u2013";let t=Math.round(e*10),[s,a,n]=[Math.floor(t/36e3),Math.floor(t/600)%60,t%600/10],o=n.toFixed(1).padStart(4,"0");return s?`${s}:${String(a).padStart(2,"0")}:${o}`:`${a}:${o}`}function at(e){return e<60?`${e.toFixed(1)} s`:e<3600?`${(e/60).toFixed(1)} min`:`${(e/3600).toFixed(1)} h`}var T=e=>e.toFixed(2),se=e=>e.toLocaleString("en"),O=(e,t)=>`${se(e)} ${t}${e===1?"":"s"}`,x=e=>S(e.replaceAll("_"," ")),jt=/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,S=e=>e.replace(jt,t=>`\\u${t.charCodeAt(0).toString(16).padStart(4,"0")}`),ot=e=>Math.max(e.lastIndexOf("/"),e.lastIndexOf("\\"))+1,D=e=>S(e==="-"?"standard input":e.slice(ot(e))),J=e=>S(e.slice(0,ot(e)));var z=e=>_`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path d=${e} fill="currentColor"></path></svg>`,v={play:z("M4 2.5v11l9.5-5.5z"),pause:z("M4 2.5h3v11H4zM9 2.5h3v11H9z"),search:z("M7 1.5a5.5 5.5 0 1 0 3.2 10L14 15.3l1.3-1.3-3.8-3.8A5.5 5.5 0 0 0 7 1.500zm0 1.8a3.700 3.700 0 1 1 0 7.400 3.700 3.700 0 0 1 0-7.400z"),close:z("M3.300 2 8 6.700 12.700 2 14 3.300 9.300 8l4.700 4.700-1.300 1.300L8 9.300 3.300 14 2 12.700 6.700 8 2 3.300z"),check:z("M6.200 12.600 1.900 8.300l1.400-1.400 2.900 2.900 6.500-6.500 1.400 1.400z"),theme:z("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.800v10.400a5.200 5.200 0 0 1 0-10.400z"),save:z("M7 1.500h2v6.600l2.500-2.500 1.400 1.400L8 11.900 3.100 7l1.400-1.400L7 8.100zM2 13h12v1.800H2z")};var g=document.createElement("audio");g.preload="none";var A={index:null,failed:new Set},K=()=>{},ge=e=>K=e,ne=e=>!!(e.src||re(e.index).audio),M=e=>A.index===e?.index&&!g.paused;function q(e,t){ne(e)&&(A.index!==e.index&&(A.index=e.index,g.src=re(e.index).audio||e.src,t??=0),t!==void 0&&be(t),g.play().catch(()=>{}),K())}function N(e){M(e)?g.pause():q(e)}function be(e){let t=()=>g.currentTime=Math.max(0,e);g.readyState?t():g.addEventListener("loadedmetadata",t,{once:!0})}var It=()=>g.currentTime/(g.duration||1)||0,it=0;function Pe(){for(let e of document.querySelectorAll(`[data-time="${A.index}"]`))e.style.setProperty("--at",`${100*It()}%`);cancelAnimationFrame(it),g.paused||(it=requestAnimationFrame(Pe))}for(let e of["play","pause","ended"])g.addEventListener(e,()=>(Pe(),K()));for(let e of["seeked","timeupdate"])g.addEventListener(e,()=>(Pe(),K()));g.addEventListener("playing",()=>(A.failed.delete(A.index),K()));g.addEventListener("error",()=>(A.failed.add(A.index),K()));function ye(e,t){try{return JSON.parse(localStorage.getItem(`audiotagger ${e}`))??t}catch{return t}}function ae(e,t){try{localStorage.setItem(`audiotagger ${e}`,JSON.stringify(t))}catch{}}var xe=document.documentElement;xe.dataset.theme=ye("theme",matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light");function ve(e,t){document.title=e;let s=()=>{xe.dataset.theme=xe.dataset.theme==="dark"?"light":"dark",ae("theme",xe.dataset.theme),t()};return p`<header class="top">
    <h1>${e}</h1>
    <p class="dim provenance">${Bt()}</p>
    <button class="quiet" @click=${s} aria-label="Switch between dark and light">${v.theme}</button>
  </header>`}function Bt(){let e=Object.entries(b.models??{}).map(([s,a])=>`${S(s)} ${S(a)}`);return[new Date(b.created).toLocaleString("en",{dateStyle:"medium",timeStyle:"short"}),...e].join(" \xB7 ")}var lt={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},Ae=e=>(...t)=>({_$litDirective$:e,values:t}),Y=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,s,a){this._$Ct=t,this._$AM=s,this._$Ci=a}_$AS(t,s){return this.update(t,s)}update(t,s){return this.render(...s)}};var{I:Rt}=tt,rt=e=>e;var ct=()=>document.createComment(""),G=(e,t,s)=>{let a=e._$AA.parentNode,n=t===void 0?e._$AB:t._$AA;if(s===void 0){let o=a.insertBefore(ct(),n),i=a.insertBefore(ct(),n);s=new Rt(o,i,e,e.options)}else{let o=s._$AB.nextSibling,i=s._$AM,r=i!==e;if(r){let l;s._$AQ?.(e),s._$AM=e,s._$AP!==void 0&&(l=e._$AU)!==i._$AU&&s._$AP(l)}if(o!==n||r){let l=s._$AA;for(;l!==o;){let d=rt(l).nextSibling;rt(a).insertBefore(l,n),l=d}}}return s},j=(e,t,s=e)=>(e._$AI(t,s),e),Ft={},pt=(e,t=Ft)=>e._$AH=t,dt=e=>e._$AH,we=e=>{e._$AR(),e._$AA.remove()};var ut=(e,t,s)=>{let a=new Map;for(let n=t;n<=s;n++)a.set(e[n],n);return a},ht=Ae(class extends Y{constructor(e){if(super(e),e.type!==lt.CHILD)throw Error("repeat() can only be used in text expressions")}dt(e,t,s){let a;s===void 0?s=t:t!==void 0&&(a=t);let n=[],o=[],i=0;for(let r of e)n[i]=a?a(r,i):i,o[i]=s(r,i),i++;return{values:o,keys:n}}render(e,t,s){return this.dt(e,t,s).values}update(e,[t,s,a]){let n=dt(e),{values:o,keys:i}=this.dt(t,s,a);if(!Array.isArray(n))return this.ut=i,o;let r=this.ut??=[],l=[],d,c,u=0,f=n.length-1,$=0,h=o.length-1;for(;u<=f&&$<=h;)if(n[u]===null)u++;else if(n[f]===null)f--;else if(r[u]===i[$])l[$]=j(n[u],o[$]),u++,$++;else if(r[f]===i[h])l[h]=j(n[f],o[h]),f--,h--;else if(r[u]===i[h])l[h]=j(n[u],o[h]),G(e,l[h+1],n[u]),u++,h--;else if(r[f]===i[$])l[$]=j(n[f],o[$]),G(e,n[u],n[f]),f--,$++;else if(d===void 0&&(d=ut(i,$,h),c=ut(r,u,f)),d.has(r[u]))if(d.has(r[f])){let y=c.get(i[$]),k=y!==void 0?n[y]:null;if(k===null){let w=G(e,n[u]);j(w,o[$]),l[$]=w}else l[$]=j(k,o[$]),G(e,n[u],k),n[y]=null;$++}else we(n[f]),f--;else we(n[u]),u++;for(;$<=h;){let y=G(e,l[h+1]);j(y,o[$]),l[$++]=y}for(;u<=f;){let y=n[u++];y!==null&&we(y)}return this.ut=i,pt(e,l),E}});var C=e=>e.tags[0]?.label??"",$t=e=>e.tags[0]?.score??-1,He={unsure:e=>!e.error&&!e.confident,failed:e=>e.error!==null,warning:e=>e.warning!==null,corrected:(e,t)=>t.has(e.path)},Ut={path:e=>e.path,label:C,score:$t,duration:e=>e.duration??-1},{compare:mt}=new Intl.Collator("en",{numeric:!0,sensitivity:"base"}),Dt=(e,t)=>typeof e=="string"?mt(e,t):e-t,zt=e=>(e.text??=[e.path,...e.tags.map(t=>t.label.replaceAll("_"," "))].join(`
`).toLowerCase(),e.text);function Ne(e,{query:t,status:s,label:a,minScore:n,sort:o,corrections:i}){let r=t.toLowerCase().replaceAll("_"," ").split(/\s+/).filter(Boolean),l=e.filter(d=>(!s||He[s](d,i))&&(!a||C(d)===a)&&(!n||$t(d)>=n)&&r.every(c=>zt(d).replaceAll("_"," ").includes(c)));if(o.key){let d=Ut[o.key],c=o.descending?-1:1;l.sort((u,f)=>c*Dt(d(u),d(f))||u.index-f.index)}return l}function ft(e){let t=new Map;for(let s of e.filter(a=>!a.error).map(C))s&&t.set(s,(t.get(s)??0)+1);return[...t].sort((s,a)=>a[1]-s[1]||mt(s[0],a[0]))}var V=56,qt=36,gt=6,Vt=[["path","File"],["label","Label"],["score","Score"],[null,"Sound"],["duration","Length"]];function bt(e,t){let{shown:s,scroll:a,selected:n}=e,o=Math.max(0,Math.floor(a.top/V)-gt),i=s.slice(o,Math.ceil((a.top+a.height)/V)+gt),r=({target:l})=>t.update({scroll:{top:l.scrollTop,height:l.clientHeight}});return p`<div
    class="files"
    role="grid"
    tabindex="0"
    aria-label="Files"
    aria-rowcount=${s.length+1}
    aria-activedescendant=${i.includes(n)?`row-${n.index}`:m}
    @scroll=${r}
  >
    <div role="rowgroup" class="heads"><div role="row" aria-rowindex="1" class="cells">
      <span role="columnheader" class="cell-play"><span class="hidden">Play</span></span>
      ${Vt.map(l=>Wt(l,e,t))}
    </div></div>
    <div role="rowgroup" class="rows" .style=${`height:${s.length*V}px`}>
      ${ht(i,l=>l.index,(l,d)=>Jt(l,o+d,e,t))}
      ${s.length?m:p`<div role="row" class="none"><span role="gridcell">No file fits. <button class="quiet" @click=${()=>t.filter({query:"",status:"",label:"",minScore:0})}>Show all</button></span></div>`}
    </div>
  </div>`}function Wt([e,t],{sort:s},{filter:a}){if(!e)return p`<span role="columnheader" class="cell-sound">${t}</span>`;let n=s.key===e,o=n?s.descending?"descending":"ascending":"none",i=e==="score"||e==="duration",r=n?s.descending===i?{key:e,descending:!i}:{key:"",descending:!1}:{key:e,descending:i};return p`<span role="columnheader" class=${`cell-${e}`} aria-sort=${o}>
    <button class="sort" @click=${()=>a({sort:r})}>${t}<span class="arrow" aria-hidden="true">${{ascending:"\u2191",descending:"\u2193",none:""}[o]}</span></button>
  </span>`}function Jt(e,t,{selected:s,corrections:a},n){let o=D(e.path),i=a.get(e.path),r=e.error?"failed":e.confident?"":"unsure",l=d=>(d.stopPropagation(),n.select(e),N(e));return p`<div
    role="row"
    id=${`row-${e.index}`}
    class=${`row cells ${r}`}
    aria-rowindex=${t+2}
    aria-selected=${e===s}
    .style=${`transform:translateY(${t*V}px)`}
    @click=${()=>n.select(e,{open:!0})}
  >
    <span role="gridcell" class="cell-play">${ne(e)&&!e.error?p`<button class="play" tabindex="-1" aria-label=${`${M(e)?"Pause":"Play"} ${o}`} @click=${l}>${M(e)?v.pause:v.play}</button>`:m}</span>
    <span role="gridcell" class="cell-path" title=${S(e.path)}><bdi class="name">${o}</bdi><bdi class="folder dim">${J(e.path)}</bdi></span>
    <span role="gridcell" class="cell-label" data-score=${e.tags.length?T(e.tags[0].score):""}><bdi class="name">${i!==void 0?p`<span class="yours">${v.check} ${x(i)}</span>`:e.error?p`<span class="mark">failed</span>`:x(C(e))||p`<span class="dim">silence</span>`}</bdi>
      ${r==="unsure"&&e.tags.length?p`<span class="mark">unsure</span>`:m}
      ${e.warning?p`<span class="mark">warning</span>`:m}</span>
    <span role="gridcell" class="cell-score">${e.tags.length?p`<span class="meter" aria-hidden="true"><span .style=${`width:${100*e.tags[0].score}%`}></span></span>${T(e.tags[0].score)}`:m}</span>
    <span role="gridcell" class="cell-sound">${e.error?m:oe(e,n)}</span>
    <span role="gridcell" class="cell-duration">${e.error?m:P(e.duration)}</span>
  </div>`}function oe(e,t){let s=ce(e.index),a=n=>{n.stopPropagation(),t.select(e);let o=n.currentTarget.getBoundingClientRect();q(e,(n.clientX-o.left)/o.width*(e.duration??0))};return p`<span class="strip" data-time=${e.index} @click=${a}>
    ${s?p`<img src=${s} alt="" decoding="sync" draggable="false" />`:p`<span class="no-picture"></span>`}
    ${e.segments&&p`<span class="segments">${e.segments.map(n=>p`<span
        class=${n.label===C(e)?"own":"other"}
        title=${`${x(n.label)} ${P(n.start)}\u2013${P(n.end)}`}
        .style=${`left:${100*n.start/e.duration}%;width:${100*(n.end-n.start)/e.duration}%`}
      ></span>`)}</span>`}
    <span class="now"></span>
  </span>`}function je(e){let t=document.querySelector(".files"),[s,a]=[e*V,t.clientHeight-qt];s<t.scrollTop?t.scrollTop=s:s+V>t.scrollTop+a&&(t.scrollTop=s+V-a)}var yt={map3:"MAP@3",macro_map3:"macro MAP@3",top1:"top-1",ece:"calibration error"},Ie=60;function vt(e){let t=Object.keys(b.charts),s={records:le(),models:t,model:t.at(-1),chosen:{},wrong:!0},a=(n={})=>fe(Kt(Object.assign(s,n),a),e);ge(()=>a()),a(),document.body.append(g)}var Kt=(e,t)=>p`
  ${ve(S(b.title),t)}
  <main class="sheet">
    ${e.models.length?[Yt(e),xt(),Gt(e,t),Xt(e,t)]:[xt(),p`<section class="card"><p class="dim">No clips were held out, so there are no validation scores.</p></section>`]}
  </main>
`,Yt=({models:e,records:t})=>p`<section class="card" aria-label="Scores">
  <h2>Scores <span class="dim">${O(t.length,"clip")}, ${O(new Set(t.map(s=>s.truth)).size,"label")}</span></h2>
  <div class="scroll" tabindex="0" role="group" aria-label="Table of scores"><table class="scores">
    <thead><tr><th scope="col">model</th>${Object.values(yt).map(s=>p`<th scope="col">${s}</th>`)}</tr></thead>
    <tbody>
      ${e.map(s=>{let a=b.charts[s];return p`<tr><th scope="row">${S(s)}</th>${Object.keys(yt).map(n=>p`<td><strong>${a.scores[n].toFixed(3)}</strong> <span class="dim">${a.intervals[n]?.map(o=>o.toFixed(3)).join("\u2013")}</span></td>`)}</tr>`})}
    </tbody>
  </table></div>
  ${e.some(s=>b.charts[s].intervals.map3)?p`<p class="dim note">with 95 % confidence intervals</p>`:m}
</section>`;function xt(){let e=b.history;if(!e.length)return m;let t=o=>e.map(i=>i[o]),s=[["loss","first",t("loss")]];e.at(-1).val_loss!==void 0&&s.push(["validation loss","second",t("val_loss")]);let a=Math.max(...s.flatMap(([,,o])=>o.filter(i=>i!==void 0))),n=e.at(-1).val_map3!==void 0;return p`<section class="card" aria-label="Curves"><h2>Training</h2>
    <div class="side">
      ${Le("Losses",s,e.length,[0,a])}
      ${n?Le("Validation scores",[["validation MAP@3","second",t("val_map3")],["validation top-1","third",t("val_top1")]],e.length,[0,1]):m}
    </div>
  </section>`}function Gt(e,t){let{model:s,models:a,chosen:n}=e,o=b.charts[s],i=b.labels.map(x),r=[...o.labels].sort((l,d)=>l.ap-d.ap);return p`
    ${a.length>1?p`<div class="models" role="group" aria-label="Model">${a.map(l=>p`<button aria-pressed=${l===s} @click=${()=>t({model:l,chosen:{}})}>${S(l)}</button>`)}</div>`:m}
    <div class="cards">
      <section class="card" aria-label="Average precision"><h2>Average precision <span class="dim">of each label, with 95 % intervals</span></h2>
        <ul class="bars scroll" tabindex="0">
          ${r.map(({label:l,clips:d,ap:c,interval:u})=>p`<li>
            <span class="bar-name">${x(l)} <span class="dim">${d}</span></span>
            <span class="bar" aria-hidden="true"><span class="bar-value" .style=${`width:${100*c}%`}></span>${u?p`<span class="whisker" .style=${`left:${100*u[0]}%;width:${100*(u[1]-u[0])}%`}></span>`:m}</span>
            <span>${T(c)}</span></li>`)}
        </ul>
      </section>
      <section class="card" aria-label="Reliability"><h2>Reliability</h2>
        ${st(o.reliability)}
        <p class="dim note">Of answers with a score of 0.7, 70 % should be right: on the line. The larger a circle, the more clips.</p>
      </section>
    </div>
    <section class="card" aria-label="Confusion matrix"><h2>Confusion matrix <span class="dim">true label in rows, best label in columns; labels that are mistaken for each other are neighbours</span></h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix, scrollable">${nt(o,i,n,l=>{t({chosen:l}),l.truth!==void 0&&document.querySelector(".clips").scrollIntoView({block:"nearest"})})}</div>
    </section>`}function Xt(e,t){let{records:s,model:a,chosen:n,wrong:o}=e,i=c=>c.tags[a][0][0],r=s.filter(c=>(!o||i(c)!==c.truth||n.best===c.truth)&&(n.truth===void 0||c.truth===n.truth)&&(n.best===void 0||i(c)===n.best)).sort((c,u)=>c.score[a]-u.score[a]||c.index-u.index),l=c=>[...new Set(s.map(c))].sort((f,$)=>b.labels[f].localeCompare(b.labels[$])).map(f=>p`<option value=${f} ?selected=${n[c===i?"best":"truth"]===f}>${x(b.labels[f])}</option>`),d=c=>u=>t({chosen:{...n,[c]:u.target.value===""?void 0:Number(u.target.value)}});return p`<section class="card clips" aria-label="Clips"><h2>Worst clips <span class="dim">by the score of the true label</span></h2>
    <div class="toolbar">
      <label>True label <select @change=${d("truth")}><option value="">any</option>${l(c=>c.truth)}</select></label>
      <label>Best label <select @change=${d("best")}><option value="">any</option>${l(i)}</select></label>
      <label class="check"><input type="checkbox" .checked=${o} @change=${c=>t({wrong:c.target.checked})} /> Only wrong ones</label>
      <span class="found" role="status">${r.length>Ie?`${Ie} of ${O(r.length,"clip")}`:O(r.length,"clip")}</span>
    </div>
    <ul class="worst">${r.slice(0,Ie).map(c=>Zt(c,a,i(c)))}</ul>
  </section>`}function Zt(e,t,s){let a=D(e.path);return p`<li>
    <button class="play" aria-label=${`${M(e)?"Pause":"Play"} ${a}`} @click=${()=>N(e)}>${M(e)?v.pause:v.play}</button>
    ${oe(e,{select(){}})}
    <span class="cell-path"><bdi class="name">${a}</bdi><bdi class="folder dim">${A.failed.has(e.index)?"cannot be played: it is not there, or of a format that browsers do not know":J(e.path)}</bdi></span>
    <span class="answer truth"><strong>${x(b.labels[e.truth])}</strong> <span class="dim">${T(e.score[t])}</span></span>
    <span class=${s===e.truth?"answer best":"answer best wrong"}>${e.tags[t].slice(0,2).map(([n,o])=>p`<span>${x(b.labels[n])} ${T(o)}</span>`)}</span>
  </li>`}var Qt={},At=Ae(class extends Y{constructor(){super(...arguments),this.ot=Qt}render(e,t){return t()}update(e,[t,s]){if(Array.isArray(t)){if(Array.isArray(this.ot)&&this.ot.length===t.length&&t.every((a,n)=>a===this.ot[n]))return E}else if(this.ot===t)return E;return this.ot=Array.isArray(t)?Array.from(t):t,this.render(t,s)}});function _e(e,t,s){let a=document.createElement("a");a.href=URL.createObjectURL(new Blob([s],{type:t})),a.download=e,a.click(),setTimeout(()=>URL.revokeObjectURL(a.href),1e4)}var es=e=>/[",\r\n]/.test(e)?`"${e.replaceAll('"','""')}"`:e,_t=e=>e.map(t=>`${t.map(s=>es(String(s))).join(",")}
`).join(""),wt=(e,t)=>/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(e)?t+e:e;function kt(e){let t=[["path","label","score","confident"]];for(let s of e.filter(a=>!a.error))for(let a of s.tags.length?s.tags:[{label:"",score:""}])t.push([wt(s.path,"./"),wt(a.label,"'"),a.score,s.confident]);return _t(t)}var ts=["path","duration","tags","confident","error","warning","segments","by_model"];function St(e){let t=e.map(s=>Object.fromEntries(ts.map(a=>[a,s[a]])));return`${JSON.stringify(t,null,2)}
`}function ie(e){if(!e.src||e.duration===null||e.path.isWellFormed?.()===!1)return null;try{let t=location.protocol==="file:",s=decodeURIComponent(t?new URL(e.src,location).pathname:e.src);return t?s.replace(/^\/([A-Za-z]:)/,"$1"):s}catch{return null}}function Mt(e,t){let a=e.filter(n=>t.has(n.path)).map(n=>[ie(n),t.get(n.path)]);return _t([["path","label"],...a])}var Be=new Map,Re;function ss(e){let t=e.filter(o=>o.vector).map(o=>[o,ze(o.vector)]),s=new Float32Array(t[0]?.[1].length??0),a=o=>{let i=Math.hypot(...o)||1;return o.map(r=>r/i)},n=t.map(([o,i])=>[o,a(Float32Array.from(i))]);if(n.length>10)for(let[,o]of n)o.forEach((i,r)=>s[r]+=i/n.length);return new Map(n.map(([o,i])=>[o,a(i.map((r,l)=>r-s[l]))]))}function Tt(e,t,s=6){Re??=ss(t);let a=Re.get(e);if(!a)return[];if(!Be.has(e)){let n=[];for(let[o,i]of Re){if(o===e)continue;let r=0;for(let l=0;l<a.length;l++)r+=a[l]*i[l];n.push([r,o])}n.sort((o,i)=>i[0]-o[0]),Be.set(e,n.slice(0,s).map(([,o])=>o))}return Be.get(e)}function Ct(e,t){let s=e.selected;return s?p`
    <div class="details-head">
      <h2><bdi>${D(s.path)}</bdi></h2>
      <button class="quiet close" aria-label="Close the details" @click=${()=>t.update({open:!1})}>${v.close}</button>
    </div>
    <p class="dim folder"><bdi>${J(s.path)}</bdi></p>
    ${ns(s)} ${s.error&&!s.duration?m:[as(s,t),ls(s),cs(s,e,t)]}
    ${ps(s,e,t)}
    <p class="keys dim"><kbd>↑</kbd><kbd>↓</kbd> file <kbd>←</kbd><kbd>→</kbd> 1 s <kbd>space</kbd> play <kbd>/</kbd> search <kbd>↵</kbd> confirm <kbd>c</kbd> correct</p>
  `:p`<p class="dim">No file is selected.</p>`}var ns=e=>[e.error?p`<p class="remark">${e.error.message}</p>`:m,e.warning?p`<p class="remark">${e.warning.message}</p>`:m,!e.error&&!e.confident&&e.tags.length?p`<p class="remark">Unsure: the best score is low, and the sound may be none of the labels.</p>`:m,A.failed.has(e.index)?p`<p class="remark" role="alert">The browser cannot play it: the file is not there any more, or of a format that it does not know. A page made with <code>--embed-audio</code> has the audio in it.</p>`:m];function as(e,t){let s=ce(e.index),a=e.duration||1,n=ne(e),o=l=>{let d=l.currentTarget.getBoundingClientRect();l.detail&&q(e,(l.clientX-d.left)/d.width*a)},r=A.index===e.index?g.currentTime:0;return p`<div class="sound" data-time=${e.index}>
    <div
      class="picture"
      role="slider"
      tabindex="0"
      aria-label="Position"
      aria-valuemin="0"
      aria-valuemax=${a.toFixed(1)}
      aria-valuenow=${r.toFixed(1)}
      aria-valuetext=${`${P(r)} of ${P(a)}`}
      @click=${o}
    >
      ${s?p`<img src=${s} alt="" draggable="false" />`:p`<span class="no-picture dim">no picture</span>`}
      <span class="now"></span>
    </div>
    ${os(e,o)}
    <div class="controls">
      <button class="main round" ?disabled=${!n} aria-label=${M(e)?"Pause":"Play"} @click=${()=>N(e)}>${M(e)?v.pause:v.play}</button>
      <span class="time">${P(r)} <span class="dim">/ ${P(e.duration)}</span></span>
      <span class="dim axis">0–8 kHz, log-mel</span>
    </div>
  </div>`}function os(e,t){let{offset:s=0,step:a=e.duration,labels:n={}}=e.timeline??{},o=Object.entries(n);return o.length?p`<div class="lanes">
    ${o.map(([i,r])=>p`<div class="lane" @click=${t} title=${x(i)}>
        <span class="heat" .style=${`background:${is(De(r),s,a,e.duration)}`}></span>
        <span class="lane-name">${x(i)}</span>
        <span class="now"></span>
      </div>`)}
  </div>`:m}function is(e,t,s,a){return`linear-gradient(to right, ${e.map((o,i)=>{let r=i?(t+i*s)/a:0,l=i+1<e.length?(t+(i+1)*s)/a:1;return`${`color-mix(in srgb, var(--accent) ${(50*o).toFixed(0)}%, transparent)`} ${(100*r).toFixed(2)}% ${(100*l).toFixed(2)}%`}).join(", ")})`}function ls(e){let t=Object.keys(e.by_model??{}).length?Object.keys(e.by_model):Object.keys(b.models),s=e.opinions??rs(e,t);if(!s.length)return m;let a=e.opinions||s[0].length>2?["ensemble",...t]:["score"];return p`<h3>Labels</h3>
    <table class="opinions">
      <thead>
        <tr><th scope="col">label</th>${a.map(n=>p`<th scope="col">${n}</th>`)}</tr>
      </thead>
      <tbody>
        ${s.map(([n,...o])=>p`<tr>
            <th scope="row">${x(n)}</th>
            ${o.map(i=>p`<td><span class="meter" aria-hidden="true"><span .style=${`width:${100*(i??0)}%`}></span></span>${i===void 0?"\u2013":T(i)}</td>`)}
          </tr>`)}
      </tbody>
    </table>`}var rs=(e,t)=>e.tags.map(s=>[s.label,s.score,...Object.keys(e.by_model??{}).length?t.map(a=>e.by_model[a].find(n=>n.label===s.label)?.score):[]]);function cs(e,t,s){let a=Tt(e,t.records);return a.length?p`<h3>Sounds like this</h3>
    <ul class="similar">
      ${a.map(n=>p`<li>
          ${oe(n,s)}
          <button class="quiet" @click=${()=>s.show(n)}><bdi class="name">${D(n.path)}</bdi> <span class="dim">${x(C(n))}</span></button>
        </li>`)}
    </ul>`:m}function ps(e,{corrections:t,labels:s},a){if(e.error&&e.duration===null)return m;if(ie(e)===null)return p`<p class="dim note">It has no name that a list can hold, so its label cannot be corrected here.</p>`;let n=t.get(e.path),o=C(e),i=[...new Set([...t.values(),...b.labels,...s.map(([l])=>l)])];return p`<h3>Is it right?</h3>
    <form class="correct" @submit=${l=>{l.preventDefault();let c=l.target.elements.label.value.trim();a.correct(e,i.find(u=>x(u).toLowerCase()===c.toLowerCase())??c)}}>
      ${o?p`<button type="button" aria-pressed=${n===o} @click=${()=>a.correct(e,o)}>${v.check} ${x(o)}</button>`:m}
      <label><span class="hidden">Correct label</span><input name="label" list="labels" placeholder="or its right label" autocomplete="off" .value=${n&&n!==o?n:""} /></label>
      <button>Save</button>
      ${n!==void 0?p`<button type="button" class="quiet" @click=${()=>a.forget(e)}>Undo</button>`:m}
      <datalist id="labels">${i.map(l=>p`<option value=${l}></option>`)}</datalist>
    </form>`}var Et=10;function Ot(e,t){let s={ArrowDown:1,ArrowUp:-1,PageDown:Et,PageUp:-Et,Home:-1/0,End:1/0},a={" ":()=>e.selected&&N(e.selected),"/":()=>document.querySelector(".search input").select(),c:()=>{t.update({open:!0}),document.querySelector(".correct input")?.select()},Enter:()=>e.selected&&t.correct(e.selected,C(e.selected)),ArrowRight:()=>be(g.currentTime+1),ArrowLeft:()=>be(g.currentTime-1),Escape:()=>t.update({open:!1})};addEventListener("keydown",n=>{if(n.ctrlKey||n.metaKey||n.altKey)return;if(n.target.matches("input:not([type=checkbox]), select, textarea")){n.key==="Escape"&&document.querySelector(".files").focus();return}if(!(n.target.closest("button, summary, a, input")&&(n.key===" "||n.key==="Enter"))){if(n.key in s)t.move(s[n.key]);else if(n.key in a)a[n.key]();else return;n.preventDefault()}})}function Lt(e){let t=le(),s=`corrections ${b.created}`,a={records:t,labels:ft(t),query:"",status:"",label:"",minScore:0,sort:{key:"",descending:!1},corrections:new Map(ye(s,[])),selected:t[0]??null,open:!1,autoplay:!1,scroll:{top:0,height:800},changes:0};a.shown=Ne(t,a);let n=(r={})=>{Object.assign(a,r),fe(ds(a,o),e)},o={update:n,filter(r){Object.assign(a,r),a.shown=Ne(t,a),a.shown.includes(a.selected)||(a.selected=a.shown[0]??null),document.querySelector(".files")?.scrollTo(0,0),n()},select(r,{open:l=a.open}={}){let d=r!==a.selected;n({selected:r,open:l}),d&&a.autoplay&&q(r,0)},show(r){let l=a.shown.indexOf(r);l>=0&&je(l),o.select(r)},move(r){let l=Math.min(Math.max(a.shown.indexOf(a.selected)+r,0),a.shown.length-1);l<0||(je(l),o.select(a.shown[l]))},correct(r,l){!l||ie(r)===null||(a.corrections.set(r.path,l),ae(s,[...a.corrections]),n({changes:a.changes+1}),o.move(1))},forget(r){a.corrections.delete(r.path),ae(s,[...a.corrections]),n({changes:a.changes+1})}};ge(()=>n()),addEventListener("resize",()=>n()),Ot(a,o),n(),document.body.append(g);let i=document.querySelector(".files");n({scroll:{top:0,height:i.clientHeight}})}var ds=(e,t)=>{let{selected:s,status:a,label:n,query:o,minScore:i,autoplay:r,open:l,changes:d}=e,c=(u,f)=>At([d,...u],f);return p`
    ${ve("Audio tagging report",()=>t.update({changes:d+1}))}
    <main class=${l?"tagging open":"tagging"}>
      <section class="overview" aria-label="Overview">
        ${c([a,n],()=>[us(e,t),hs(e,t)])}
      </section>
      <section class="results" aria-label="Files">
        ${c([o,a,n,i,r],()=>$s(e,t))} ${bt(e,t)}
        ${c([],()=>ms(e))}
      </section>
      <aside class="details" aria-label="Details">
        ${c([s,A.index,M(s),g.currentTime,A.failed.size],()=>Ct(e,t))}
      </aside>
    </main>
  `};function us({records:e,status:t,corrections:s},{filter:a}){let n=e.reduce((i,r)=>i+(r.duration??0),0),o=(i,r,l,d=m)=>p`<button
    class="number"
    data-status=${i}
    aria-pressed=${t===i}
    ?disabled=${!l&&t!==i}
    @click=${()=>a({status:t===i?"":i})}
  >
    <strong>${se(l)}</strong> <span>${r}</span>${d}
  </button>`;return p`<div class="numbers" role="group" aria-label="Which files">
    ${o("","files",e.length,p`<span class="total"><strong>${at(n)}</strong> <span>of audio</span></span>`)}
    ${Object.entries(He).map(([i,r])=>o(i,i,e.filter(l=>r(l,s)).length))}
  </div>`}function hs({labels:e,label:t,records:s},{filter:a}){let n=e[0]?.[1]??1;return p`<h2 class="wide">Labels found <span class="dim">${e.length}</span></h2>
    <ul class="facets wide">
      ${e.map(([o,i])=>p`<li>
          <button aria-pressed=${o===t} @click=${()=>a({label:o===t?"":o})}>
            <span class="facet-bar" .style=${`width:${100*i/n}%`}></span>
            <span class="facet-name">${x(o)}</span><span class="dim">${se(i)}</span>
          </button>
        </li>`)}
    </ul>`}function $s(e,{filter:t,update:s}){let{shown:a,labels:n,label:o,query:i,minScore:r,autoplay:l}=e,d=c=>{c==="csv"?_e("results.csv","text/csv",kt(a)):_e("results.json","application/json",St(a))};return p`<form class="toolbar" role="search" @submit=${c=>c.preventDefault()}>
    <label class="search">
      ${v.search}<span class="hidden">Search</span>
      <input
        type="search"
        placeholder="Search names and labels"
        .value=${i}
        autocomplete="off"
        spellcheck="false"
        @input=${c=>t({query:c.target.value})}
      /><kbd aria-hidden="true">/</kbd>
    </label>
    <label class="narrow">
      <span class="hidden">Label</span>
      <select .value=${o} @change=${c=>t({label:c.target.value})}>
        <option value="">All labels</option>
        ${n.map(([c,u])=>p`<option value=${c} ?selected=${c===o}>${x(c)} (${u})</option>`)}
      </select>
    </label>
    <label class="score">
      <span>Score ≥ <strong>${T(r)}</strong></span>
      <input type="range" min="0" max="1" step="0.05" .value=${String(r)} aria-label="Lowest score"
        @input=${c=>t({minScore:Number(c.target.value)})} />
    </label>
    <label class="check autoplay"><input type="checkbox" .checked=${l} @change=${c=>s({autoplay:c.target.checked})} /> Auto-play</label>
    <span class="line"><span class="found" role="status">${a.length===e.records.length?O(a.length,"file"):`${se(a.length)} of ${O(e.records.length,"file")}`}</span>
    <span class="keep">
      <button type="button" class="quiet" @click=${()=>d("csv")} aria-label="Download these results as CSV">${v.save} CSV</button>
      <button type="button" class="quiet" @click=${()=>d("json")} aria-label="Download these results as JSON">${v.save} JSON</button>
    </span></span>
  </form>`}function ms({records:e,corrections:t}){if(!t.size)return m;let s=new Set(t.values()).size;return p`<section class="corrections" aria-label="Corrections">
    <p><strong>${O(t.size,"file")}</strong> with your labels (${O(s,"label")}).
      <span class="dim">Train on them: <code>audiotagger train --model mel corrections.csv</code></span></p>
    <button class="main" @click=${()=>_e("corrections.csv","text/csv",Mt(e,t))}>
      ${v.save} Download corrections
    </button>
  </section>`}var fs={tagging:Lt,evaluation:vt};fs[b.kind](document.getElementById("app"));})();
